Feature: Processor capabilities
  Filters describe themselves, so that a client can build its controls from the answer.

  Background:
    Given the system is running

  Scenario: The capabilities can be requested
    When the capabilities are asked for over HTTP
    Then the answer names a version and at least the accelerator "cpu"
    And the filters include "blur, canny, grayscale, histogram, redact, resize"

  Scenario: Filters and their parameters are defined
    When the capabilities are asked for over HTTP
    Then every filter describes itself
    And every parameter has a type, and a default that is allowed

  Scenario: Grayscale has the parameter algorithm
    When the capabilities are asked for over HTTP
    Then "grayscale" has the parameter "algorithm" with the options "bt601, bt709, average, lightness, luminosity"
    And "grayscale" has the parameter "algorithm" with the default "bt601"
    And "blur" has the parameter "border_mode" with the options "clamp, replicate, reflect, reflect_101, wrap, constant"

  Scenario: Filters say on which accelerators they run
    When the capabilities are asked for over HTTP
    Then every filter runs on an accelerator that the system has
    When the filters that run on "cpu" are asked for over HTTP
    Then the filters include "blur, canny, grayscale, histogram, redact, resize"
    And every filter runs on "cpu"

  Scenario: ListFilters over NATS says the same as HTTP
    When the capabilities are asked for over HTTP
    Then ListFilters over NATS says the same

  Scenario: A worker without CUDA refuses requests that require it
    Given "OCELLI_GPU_FILTER__BACKEND" is set to "cpu"
    And a system of its own
    When the filters that run on "cuda" are asked for over HTTP
    Then the answer has no filters
    When a picture is sent to be blurred on "cuda"
    Then HTTP and NATS refuse it as "unsupported" with status 415
