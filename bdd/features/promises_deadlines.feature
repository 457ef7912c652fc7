@serial @promise
Feature: Promise 1, a deadline stops the work, and so does a caller who goes away
  Neither a request that takes far too long, nor a client that hangs up, nor one that sends too much
  keeps the workers from others.

  Background:
    Given a broker
    And a gpu-filter process
    And an ingest process

  Scenario: 1.1 Requests that cannot be done in time are refused at once
    Given 2 ordinary clients over HTTP
    When 2 clients ask for 32 × bilateral:diameter=51 of 8000×8000 grey pixels within 2000 ms
    Then each is refused as "deadline_exceeded" within 4000 ms
    And within 1000 ms nobody works on them any more
    And every ordinary request was processed or told to come back, within 5 s

  Scenario: 1.2 Work ends at its deadline
    Given 2 ordinary clients over HTTP
    When 8 clients ask for 2 × bilateral:diameter=51 of 2000×2000 grey pixels within 2000 ms
    Then within 1000 ms nobody works on them any more
    And every ordinary request was processed or told to come back, within 5 s

  Scenario: 1.3 Clients that reset their connections
    When 16 clients reset their connections while their requests, which take long, are worked on
    Then their credits were back within 1000 ms
    And the system works again

  Scenario: 1.4 A NATS client that gives up
    When a NATS client cancels 16 requests, which take long, while they are worked on
    Then their credits were back within 1000 ms
    And the system works again

  Scenario Outline: 1.5 One client with 200 large requests outstanding, <seconds> s
    Given 1 ordinary clients over NATS
    When one NATS client keeps 200 large requests outstanding for <seconds> s
    Then every ordinary request was processed, within 5 s

    Examples:
      | seconds |
      | 3       |

    @chaos
    Examples:
      | seconds |
      | 30      |
