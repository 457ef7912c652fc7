@serial @promise
Feature: Promise 4, one bad part, not all

  Scenario Outline: 4.1 One of two workers is frozen for <seconds> s
    Given a broker
    And a gpu-filter process
    And another gpu-filter process
    And an ingest process
    And 4 ordinary clients over HTTP
    When one worker is frozen for <seconds> s
    Then every ordinary request was processed, within 8 s, and those sent 6 s after the fault within 2 s

    Examples:
      | seconds |
      | 8       |

    @chaos
    Examples:
      | seconds |
      | 30      |

  Scenario: 4.2 One of two workers is killed
    Given a broker
    And a gpu-filter process
    And another gpu-filter process
    And an ingest process
    And 8 ordinary clients over HTTP
    When one worker is killed with requests in hand, and 3 s pass
    Then every ordinary request was processed, within 5 s

  Scenario Outline: 4.3 The managed broker is killed <times> times
    Given a system of its own
    Then a picture is processed
    When its nats-server is killed <times> times
    Then the broker was back within 3000 ms each time

    Examples:
      | times |
      | 3     |

    @chaos
    Examples:
      | times |
      | 20    |
