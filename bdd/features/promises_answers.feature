@serial @promise
Feature: Promise 3, every request is answered, and every loss is counted

  Background:
    Given a broker
    And a gpu-filter process
    And an ingest process

  Scenario Outline: 3.1 A burst of <requests> tiny requests from one client
    When one NATS client sends <requests> tiny requests at once
    Then each of them is processed or refused

    Examples:
      | requests |
      | 4000     |

    @chaos
    Examples:
      | requests |
      | 50000    |

  Scenario Outline: 3.2 <frames> live frames as fast as possible
    When <frames> live frames are published as fast as possible
    Then every live frame is counted: in = sent, and out + dropped = in

    Examples:
      | frames |
      | 300000 |

    @chaos
    Examples:
      | frames  |
      | 1200000 |

  Scenario: 3.3 An error that would repeat a name of 9 MB
    When a request names a filter with 9 million letters
    Then it is refused as "invalid_argument" with status 400

  Scenario: 3.4 Answers that hardly fit with their headers
    When frames whose answers are close to the broker's limit are sent with 8 KB of baggage
    Then each gets its answer, or an error that says what is too large

  Scenario Outline: 3.5 Messages that cannot be parsed, while others work over <way>, <seconds> s
    Given 2 ordinary clients over <way>
    When for <seconds> seconds 20 messages a second arrive that cannot be parsed
    Then every ordinary request was processed, within 5 s
    And those messages are counted

    Examples:
      | way  | seconds |
      | HTTP | 2       |
      | NATS | 2       |

    @chaos
    Examples:
      | way  | seconds |
      | HTTP | 20      |
      | NATS | 20      |
