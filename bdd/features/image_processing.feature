Feature: Image processing
  A picture goes in and the filtered picture comes out: over HTTP as a file, over NATS as raw pixels, with the
  same result. Scenarios tagged @cuda ask for CUDA if a worker has it. Otherwise they use "auto" and run on the
  CPU, and the reports say so.

  Background:
    Given the system is running
    And a colourful picture of 64 by 48 pixels
    And a colourful picture of 63 by 47 pixels

  @cuda
  Scenario: No filter on the GPU
    When it is processed on "cuda" without a filter
    Then HTTP and NATS give the same pixels
    And the pixels are those of the picture
    And the pixels have the stored checksum
    And no device did any work

  Scenario: No filter on the CPU
    When it is processed on "cpu" without a filter
    Then HTTP and NATS give the same pixels
    And the pixels are those of the picture
    And the pixels have the stored checksum
    And no device did any work

  @cuda
  Scenario Outline: Grayscale <algorithm> on the GPU
    When it is processed on "cuda" with "grayscale:algorithm=<algorithm>"
    Then HTTP and NATS give the same pixels
    And the pixels match the reference within 1 level
    And the pixels have the stored checksum
    And the work was done on "cuda"

    Examples:
      | algorithm  |
      | bt601      |
      | bt709      |
      | average    |
      | lightness  |
      | luminosity |

  Scenario Outline: Grayscale <algorithm> on the CPU
    When it is processed on "cpu" with "grayscale:algorithm=<algorithm>"
    Then HTTP and NATS give the same pixels
    And the pixels match the reference within 1 level
    And the pixels have the stored checksum
    And the work was done on "cpu"

    Examples:
      | algorithm  |
      | bt601      |
      | bt709      |
      | average    |
      | lightness  |
      | luminosity |

  @cuda
  Scenario: Blur with its defaults on the GPU
    When it is processed on "cuda" with "blur"
    Then HTTP and NATS give the same pixels
    And the pixels match the reference within 1 level
    And the pixels have the stored checksum
    And the work was done on "cuda"

  Scenario: Blur with its defaults on the CPU
    When it is processed on "cpu" with "blur"
    Then HTTP and NATS give the same pixels
    And the pixels match the reference within 1 level
    And the pixels have the stored checksum
    And the work was done on "cpu"

  @cuda
  Scenario: Blur with a kernel of 7 and sigma 1.5 on the GPU
    When it is processed on "cuda" with "blur:kernel_size=7,sigma=1.5"
    Then HTTP and NATS give the same pixels
    And the pixels match the reference within 1 level
    And the pixels have the stored checksum
    And the work was done on "cuda"

  @cuda
  Scenario: Blur with clamped borders
    When it is processed on "cuda" with "blur:border_mode=clamp"
    Then HTTP and NATS give the same pixels
    And the pixels match the reference within 1 level
    And the pixels have the stored checksum
    And the work was done on "cuda"

  @cuda
  Scenario: Blur with borders that wrap around
    When it is processed on "cuda" with "blur:border_mode=wrap"
    Then HTTP and NATS give the same pixels
    And the pixels match the reference within 1 level
    And the pixels have the stored checksum
    And the work was done on "cuda"

  @cuda
  Scenario: Blur in one pass of two dimensions
    When it is processed on "cuda" with "blur:separable=false"
    Then HTTP and NATS give the same pixels
    And the pixels match the reference within 1 level
    And the pixels have the stored checksum
    And the work was done on "cuda"

  Scenario: Blur with a kernel of 9 and sigma 2.0 on the CPU
    When it is processed on "cpu" with "blur:kernel_size=9,sigma=2.0"
    Then HTTP and NATS give the same pixels
    And the pixels match the reference within 1 level
    And the pixels have the stored checksum
    And the work was done on "cpu"

  @cuda
  Scenario: Grayscale and then blur on the GPU
    When it is processed on "cuda" with "grayscale" and then "blur"
    Then HTTP and NATS give the same pixels
    And the pixels match the reference within 1 level
    And the pixels have the stored checksum
    And the work was done on "cuda"

  Scenario: Blur and then grayscale on the CPU
    When it is processed on "cpu" with "blur" and then "grayscale"
    Then HTTP and NATS give the same pixels
    And the pixels match the reference within 1 level
    And the pixels have the stored checksum
    And the work was done on "cpu"

  Scenario: An empty image fails
    When an empty image is sent
    Then HTTP and NATS refuse it as "invalid_argument" with status 400

  Scenario: An image without width and height fails
    When raw pixels of 0 by 0 are sent
    Then HTTP and NATS refuse it as "invalid_argument" with status 400
