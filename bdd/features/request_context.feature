Feature: Request context
  A request id and a trace follow a request through the system and are returned with the answer.

  Background:
    Given the system is running

  Scenario: They are returned with a picture
    When the filter "blur" is asked for with the request id "order-4711" in a trace
    Then both answers carry the request id "order-4711" and continue the trace

  Scenario: They are returned with an error
    When the filter "sharpen" is asked for with the request id "order-4712" in a trace
    Then both answers carry the request id "order-4712" and continue the trace
    And HTTP and NATS refuse it as "invalid_argument" with status 400
