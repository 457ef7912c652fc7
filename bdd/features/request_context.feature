Feature: Request context
  A request id and a trace travel through everything that a request causes, and come back.

  Background:
    Given the system is running

  Scenario: They come back with a picture
    When the filter "blur" is asked for with the request id "order-4711" in a trace
    Then both answers carry the request id "order-4711" and go on with the trace

  Scenario: They come back with an error
    When the filter "sharpen" is asked for with the request id "order-4712" in a trace
    Then both answers carry the request id "order-4712" and go on with the trace
    And HTTP and NATS refuse it as "invalid_argument" with status 400
