Feature: Bad input
  Invalid input is refused at once, with an error that says what is wrong, where, and what is allowed: over
  HTTP as application/problem+json, over NATS as an Error.

  Background:
    Given the system is running

  Scenario Outline: Over HTTP, <body> is refused
    When "<body>" is posted
    Then it is refused as "<kind>" with status <status>
    And the next request is answered

    Examples:
      | body                                    | kind             | status |
      | nothing                                 | invalid_argument | 400    |
      | a text                                  | unsupported      | 415    |
      | a truncated PNG                         | invalid_argument | 400    |
      | a truncated JPEG                        | invalid_argument | 400    |
      | a PNG that claims 60000 by 60000 pixels | too_large        | 413    |

  Scenario: Over HTTP, the refusal of a file that is not an image lists the codecs
    When "a text" is posted
    Then the refusal is about "body"
    And the refusal says what is allowed: "png, jpeg, webp"

  Scenario: A body over the limit is refused before it is read
    When a body is announced that is one byte over the limit
    Then it is refused as "too_large" with status 413
    And the refusal is about "body"

  Scenario: A body without a stated length is cut off at the limit
    When a body without a stated length never ends
    Then it is refused as "too_large" with status 413
    And the refusal is about "body"

  Scenario Outline: Raw pixels with <query> are refused
    When "<body>" is posted with "<query>"
    Then it is refused as "<kind>" with status <status>
    And the refusal is about "<field>"

    Examples:
      | body                | query                                       | kind             | status | field        |
      | 100 raw bytes       | width=10&height=10&pixel_format=rgb8        | invalid_argument | 400    | body         |
      | 100 raw bytes       | width=10&height=10&pixel_format=gray9       | invalid_argument | 400    | pixel_format |
      | 100 raw bytes       | width=10&height=10&pixel_format=gray8&stride=5 | invalid_argument | 400 | stride       |
      | 100 raw bytes       | width=10&height=0&pixel_format=gray8        | invalid_argument | 400    | height       |
      | 100 raw bytes       | width=ten&height=10&pixel_format=gray8      | invalid_argument | 400    | width        |
      | 48 MB of raw pixels | width=4000&height=4000&pixel_format=rgb8    | too_large        | 413    | body         |

  Scenario: Raw pixels need a width, a height and a format
    When "100 raw bytes" is posted with "width=10&height=10"
    Then it is refused as "invalid_argument" with status 400

  Scenario Outline: Over HTTP, <query> is refused
    When "a picture" is posted with "<query>"
    Then it is refused as "<kind>" with status <status>
    And the refusal is about "<field>"
    And the refusal says what is allowed: "<allowed>"

    Examples:
      | query                                   | kind             | status | field                 | allowed                                 |
      | filter=sharpen                          | invalid_argument | 400    | filter[0]             | blur, grayscale                         |
      | filter=grayscale&filter=sharpen         | invalid_argument | 400    | filter[1]             | blur, grayscale                         |
      | filter=grayscale:algorithm=bt2020       | invalid_argument | 400    | filter[0].algorithm   | bt601, bt709                            |
      | filter=blur:radius=3                    | invalid_argument | 400    | filter[0].radius      | kernel_size, sigma, border_mode         |
      | format=tiff                             | invalid_argument | 400    | format                | png, jpeg, webp, raw                    |
      | accelerator=tpu                         | invalid_argument | 400    | accelerator           | auto, cpu, cuda                         |
      | filtre=blur                             | invalid_argument | 400    | filtre                | filter, format, quality, accelerator    |

  Scenario Outline: Over HTTP, the parameter in <query> is refused
    When "a picture" is posted with "<query>"
    Then it is refused as "invalid_argument" with status 400
    And the refusal is about "<field>"

    Examples:
      | query                                              | field                 |
      | filter=blur:sigma=101                              | filter[0].sigma       |
      | filter=blur:sigma=-1                               | filter[0].sigma       |
      | filter=blur:sigma=wide                             | filter[0].sigma       |
      | filter=blur:sigma=NaN                              | filter[0].sigma       |
      | filter=blur:kernel_size=4                          | filter[0].kernel_size |
      | filter=blur:kernel_size=257                        | filter[0].kernel_size |
      | filter=blur:kernel_size=2.5                        | filter[0].kernel_size |
      | filter=blur:separable=maybe                        | filter[0].separable   |
      | filter=grayscale&filter=blur:border_mode=mirror    | filter[1].border_mode |
      | filter=color_matrix:matrix=1 2 3                   | filter[0].matrix      |
      | filter=color_matrix:matrix=1 0 0 0 0 1 0 0 0 0 1 x | filter[0].matrix      |
      | filter=color_matrix:matrix=1 0 0 0 0 1 0 0 0 0 1 NaN | filter[0].matrix    |
      | filter=redact:regions=1 2 3                        | filter[0].regions     |
      | filter=redact:regions=1 2 -3 4                     | filter[0].regions     |
      | filter=pad:color=red                               | filter[0].color       |
      | filter=pad:color=%2312345                          | filter[0].color       |
      | filter=draw:shapes=square 1 2 3 4                  | filter[0].shapes      |
      | filter=draw:shapes=box 1 2 3                       | filter[0].shapes      |
      | filter=canny:low=200;high=100                      | filter[0].low         |
      | filter=canny:low=200,high=100                      | filter[0].low         |
      | filter=convolution:kernel=1 2 3 4                  | filter[0].kernel      |
      | filter=crop:x=60,width=30                          | filter[0].width       |
      | filter=resize:width=0,height=0                     | filter[0].width       |
      | filter=warp_affine:matrix=1 0 0 1 0 0              | filter[0].matrix      |
      | quality=0&format=jpeg                              | quality               |
      | quality=high&format=jpeg                           | quality               |
      | timeout_ms=0                                       | timeout_ms            |
      | format=png&format=jpeg                             | format                |

  Scenario: Over HTTP, a deadline that has passed is refused
    When a picture is posted whose deadline has passed
    Then it is refused as "deadline_exceeded" with status 504

  Scenario: Over HTTP, an unknown path is not found
    When "/api/v1/nothing" is called with "GET"
    Then it is refused as "not_found" with status 404

  Scenario: Over HTTP, the refusal of a wrong method names the right one
    When "/api/v1/process/image" is called with "DELETE"
    Then it is refused as "unsupported" with status 405
    And the header "Allow" is "POST"

  Scenario Outline: Over NATS, <request> is refused
    When a request with "<request>" is sent over NATS
    Then it is refused as "<kind>" with status <status>
    And the refusal is about "<field>"

    Examples:
      | request                                  | kind             | status | field                                             |
      | no frame                                 | invalid_argument | 400    | frame                                             |
      | a frame without an image                 | invalid_argument | 400    | frame.payload                                     |
      | a text                                   | unsupported      | 415    | frame.encoded.data                                |
      | a truncated PNG                          | invalid_argument | 400    | frame.encoded.data                                |
      | a PNG that claims 60000 by 60000 pixels  | too_large        | 413    | frame.encoded.width                               |
      | too few raw bytes                        | invalid_argument | 400    | frame.raw.data                                    |
      | an unknown pixel format                  | invalid_argument | 400    | frame.raw.format                                  |
      | an unknown input codec                   | unsupported      | 415    | frame.encoded.codec                               |
      | an unknown output codec                  | unsupported      | 415    | pipeline.output.encoded.codec                     |
      | an unknown output pixel format           | unsupported      | 415    | pipeline.output.raw.format                        |
      | an unknown accelerator                   | invalid_argument | 400    | pipeline.accelerator                              |
      | a step of no kind                        | invalid_argument | 400    | pipeline.steps[0]                                 |
      | 33 steps                                 | too_large        | 413    | pipeline.steps                                    |
      | the filter sharpen                       | invalid_argument | 400    | pipeline.steps[0].filter.id                       |
      | the filter blur:sigma=101                | invalid_argument | 400    | pipeline.steps[0].filter.parameters.sigma         |
      | the filter blur:sigma=wide               | invalid_argument | 400    | pipeline.steps[0].filter.parameters.sigma         |
      | the filter blur:kernel_size=4            | invalid_argument | 400    | pipeline.steps[0].filter.parameters.kernel_size   |
      | the filter blur:radius=3                 | invalid_argument | 400    | pipeline.steps[0].filter.parameters.radius        |

  Scenario: Over NATS, the refusal of an unknown filter lists the filters
    When a request with "the filter sharpen" is sent over NATS
    Then the refusal says what is allowed: "blur, grayscale"
    And the refusal mentions "sharpen"

  Scenario: Over NATS, bytes that are not protobuf are refused
    When bytes that are not protobuf are sent over NATS
    Then it is refused as "invalid_argument" with status 400
    And the next request is answered

  Scenario: Over NATS, a deadline that has passed is refused
    When a request whose deadline has passed is sent over NATS
    Then it is refused as "deadline_exceeded" with status 504

  Scenario: Over NATS, an invalid deadline is refused
    When a request with a deadline of "soon" is sent over NATS
    Then it is refused as "invalid_argument" with status 400
    And the refusal is about "Ocelli-Deadline"

  Scenario: Over NATS, a message over the broker's limit affects no other request
    When a message over the broker's limit is published
    Then the next request is answered
