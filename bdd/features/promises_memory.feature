@serial @promise
Feature: Promise 2, memory has a number
  No process holds more than 1.1 × limits.memory_bytes + 150 MB, whatever clients do, and it serves
  others again as soon as they stop.

  Scenario Outline: 2.1 <MiB> MiB while, for <seconds> s, <attack>
    Given a memory budget of <MiB> MiB
    And a broker
    And a gpu-filter process
    And an ingest process
    When for <seconds> s <attack>
    Then the system works again
    And its processes still run
    And no process ever held more than its budget allows

    Examples:
      | MiB | seconds | attack                                                 |
      | 512 | 3       | clients post 10 MB each to a frozen broker             |
      | 512 | 3       | nobody reads live answers of 6.2 MB                    |
      | 512 | 3       | 300 clients ask for 15 MB each and never read          |
      | 512 | 3       | clients send small files that claim 59 million pixels  |

    @chaos
    Examples:
      | MiB  | seconds | attack                                                 |
      | 512  | 20      | clients post 10 MB each to a frozen broker             |
      | 512  | 30      | nobody reads live answers of 6.2 MB                    |
      | 512  | 30      | 300 clients ask for 15 MB each and never read          |
      | 512  | 30      | clients send small files that claim 59 million pixels  |
      | 512  | 30      | all of them attack at once                             |
      | 2048 | 20      | clients post 10 MB each to a frozen broker             |
      | 2048 | 30      | nobody reads live answers of 6.2 MB                    |
      | 2048 | 30      | 300 clients ask for 15 MB each and never read          |
      | 2048 | 30      | clients send small files that claim 59 million pixels  |
      | 2048 | 30      | all of them attack at once                             |

  Scenario: 2.2 A frozen broker
    Given a broker
    And a gpu-filter process
    And an ingest process
    Then a picture is processed
    When the broker is frozen
    Then within 6000 ms requests are refused as "unavailable", each at once
    And nothing waits for the broker
    When the broker goes on
    Then pictures are processed again
