@serial @promise
Feature: Promise 5, starts, stops, and clients that do everything wrong

  Scenario Outline: 5.1 <signal> with requests in hand
    Given a system of its own
    When <signal> comes while 2 requests are in hand
    Then they were answered, new connections got 503 with a time to retry, and the exit code was 0

    Examples:
      | signal  |
      | SIGTERM |
      | SIGHUP  |

  Scenario: 5.2 Work that is cut off
    Given "OCELLI_SHUTDOWN__GRACE_MS" is set to "300"
    And a system of its own
    Then SIGTERM, while 2 requests take longer than its grace period, ends it with another exit code than 0

  Scenario: 5.3 A wrong password for the broker
    Then a worker with a wrong password ends with an error that says so and hides the password

  Scenario: 5.4 Heads that are no HTTP
    Given a broker
    And a gpu-filter process
    And an ingest process
    And 2 ordinary clients over HTTP
    When 200 connections send heads that are no HTTP request
    Then each is counted as an ended connection, and none is logged as an error
    And every ordinary request was processed, within 5 s

  Scenario: 5.5 Bodies that come byte by byte
    Given "OCELLI_INGEST__STALL_MS" is set to "1000"
    And a broker
    And a gpu-filter process
    And an ingest process
    And 2 ordinary clients over HTTP
    When 50 clients send their bodies byte by byte
    Then every ordinary request was processed, within 5 s
