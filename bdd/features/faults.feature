@serial
Feature: Faults
  When something breaks, every request still gets an answer, and the system recovers by itself.
  The reports note the measured times; the scenarios only check upper limits.

  Scenario: Without a worker a request is refused at once
    Given a broker
    And a gpu-filter process
    And an ingest process
    Then a picture is processed
    When the gpu-filter process is stopped
    And a picture is posted
    Then it is refused as "unavailable" with status 503
    And the refusal says when to try again
    When a gpu-filter process is started
    Then pictures are processed again

  Scenario: Without a broker a request is refused, and work continues when the broker is back
    Given a broker
    And a gpu-filter process
    And an ingest process
    Then a picture is processed
    When the broker is stopped
    And a picture is posted
    Then it is refused as "unavailable" with status 503
    And the refusal says when to try again
    When the broker is started again
    Then pictures are processed again

  Scenario: A managed broker that dies is replaced
    Given a system of its own
    Then a picture is processed
    When its nats-server is killed
    Then pictures are processed again

  Scenario: Four times as many requests as credits
    Given a broker
    And "OCELLI_GPU_FILTER__CREDITS" is set to "8"
    And "OCELLI_GPU_FILTER__WAITING" is set to "4"
    And a gpu-filter process
    And an ingest process
    When 32 pictures are posted at the same time
    Then each is answered, with a picture or with "overloaded" and a time to retry
    And never more than 8 credits were in use
    And the worker never held more than 200 MB of memory
    And a picture is processed

  Scenario Outline: The system ends cleanly after <signal>
    Given a system of its own
    Then a picture is processed
    And after "<signal>" it ends with exit code 0 and leaves no nats-server

    Examples:
      | signal  |
      | SIGTERM |
      | SIGINT  |

  Scenario: A killed system leaves no nats-server
    Given a system of its own
    Then a picture is processed
    And after SIGKILL it leaves no nats-server
