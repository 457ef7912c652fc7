Feature: Filter families
  Each kind of filter does the same over HTTP and over NATS. The checksums pin every pixel; the tests of
  the kernels compare the same filters with OpenCV.

  Background:
    Given the system is running
    And a colourful picture of 64 by 48 pixels
    And a colourful picture of 63 by 47 pixels

  Scenario Outline: <family>: <filter>
    When it is processed on "cpu" with "<filter>"
    Then HTTP and NATS give the same pixels
    And the result is as large as the picture
    And the pixels differ from those of the picture
    And the pixels have the stored checksum
    And the work was done on "cpu"

    Examples: Colour
      | family | filter                                               |
      | Colour | invert                                               |
      | Colour | brightness_contrast:brightness=20,contrast=1.3       |
      | Colour | gamma:gamma=2.2                                      |
      | Colour | saturation_hue:saturation=1.5,hue=40                 |
      | Colour | white_balance                                        |
      | Colour | sepia                                                |
      | Colour | color_matrix:matrix=0 1 0 0 0 0 1 0 1 0 0 0          |
      | Colour | threshold:threshold=100,mode=to_zero                 |
      | Colour | equalize                                             |
      | Colour | clahe:tiles_x=4,tiles_y=4                            |
      | Colour | color_convert:from=rgb,to=lab                        |

    Examples: Blur
      | family | filter                                               |
      | Blur   | box_blur:kernel_size=9                               |
      | Blur   | median:kernel_size=5                                 |
      | Blur   | bilateral:diameter=5,sigma_color=40,sigma_space=3    |
      | Blur   | motion_blur:length=9,angle=30                        |

    Examples: Edges
      | family | filter                                               |
      | Edges  | sobel                                                |
      | Edges  | scharr:direction=x                                   |
      | Edges  | laplacian:kernel_size=3                              |
      | Edges  | log                                                  |

    Examples: Sharpen
      | family  | filter                                              |
      | Sharpen | unsharp_mask:amount=1.5                             |
      | Sharpen | high_pass                                           |
      | Sharpen | convolution:kernel=0 -1 0 -1 5 -1 0 -1 0            |

    Examples: Morphology
      | family     | filter                                           |
      | Morphology | erode                                            |
      | Morphology | dilate:shape=ellipse,kernel_size=5               |
      | Morphology | open:shape=cross,kernel_size=5                   |
      | Morphology | gradient                                         |

    Examples: Effects
      | family | filter                                               |
      | Effect | vignette                                             |
      | Effect | pixelate:block_size=8                                |
      | Effect | emboss                                               |
      | Effect | posterize:levels=4                                   |

    Examples: Privacy and drawing
      | family  | filter                                                    |
      | Privacy | redact:mode=pixelate,regions=8 8 30 20 40 30 500 500      |
      | Privacy | draw:shapes=box 5 5 30 20 #ff0000; circle 30 24 9 #00ff00 |

  Scenario Outline: Geometry: <filter> makes <width> by <height> pixels
    When it is processed on "cpu" with "<filter>"
    Then HTTP and NATS give the same pixels
    And the result has <width> by <height> pixels
    And the pixels have the stored checksum

    Examples:
      | filter                                            | width | height |
      | resize:width=20,height=31                         | 20    | 31     |
      | resize:width=100,height=90,filter=lanczos3        | 100   | 90     |
      | crop:x=3,y=5,width=40,height=30                   | 40    | 30     |
      | letterbox:width=80,height=80                      | 80    | 80     |
      | warp_affine:matrix=1 0.2 3 -0.1 1 4,width=70,height=50 | 70 | 50   |
      | warp_perspective:matrix=1 0 0 0 1 0 0.002 0.001 1,width=60,height=40 | 60 | 40 |

  Scenario Outline: <filter> twice gives the picture back
    When it is processed on "cpu" with "<filter>" and then "<filter>"
    Then HTTP and NATS give the same pixels
    And the pixels are those of the picture

    Examples:
      | filter                    |
      | flip:direction=horizontal |
      | flip:direction=vertical   |
      | flip:direction=both       |
      | rotate:angle=180          |
      | invert                    |

  Scenario: Four quarter turns give the picture back
    When it is processed on "cpu" through:
      | rotate:angle=90  |
      | rotate:angle=90  |
      | rotate:angle=-90 |
      | rotate:angle=270 |
    Then HTTP and NATS give the same pixels
    And the pixels are those of the picture

  Scenario Outline: <filter> leaves the picture as it is
    When it is processed on "cpu" with "<filter>"
    Then HTTP and NATS give the same pixels
    And the pixels are those of the picture

    Examples:
      | filter                                      |
      | brightness_contrast:brightness=0,contrast=1 |
      | gamma:gamma=1                               |
      | blur:kernel_size=1                          |
      | box_blur:kernel_size=1                      |
      | redact                                      |
      | draw                                        |
      | pad                                         |
      | pixelate:block_size=1                       |
      | rotate:angle=360                            |

  Scenario Outline: Black and white: <first>, then <second>
    When it is processed on "cpu" with "<first>" and then "<second>"
    Then HTTP and NATS give the same pixels
    And every sample is black or white
    And the pixels have the stored checksum

    Examples:
      | first     | second                  |
      | grayscale | threshold:method=otsu   |
      | grayscale | adaptive_threshold      |
      | blur      | canny                   |

  Scenario Outline: Redacting by <mode> touches nothing else
    When it is processed on "cpu" with "redact:mode=<mode>,regions=10 12 24 20"
    Then HTTP and NATS give the same pixels
    And only the 24 by 20 pixels from 10, 12 on differ from the picture

    Examples:
      | mode     |
      | blur     |
      | pixelate |
      | fill     |

  Scenario: A long chain, fused where it can be
    When it is processed on "cpu" through:
      | blur:kernel_size=5                             |
      | brightness_contrast:brightness=12,contrast=1.2 |
      | gamma:gamma=1.4                                |
      | sepia                                          |
      | invert                                         |
      | posterize:levels=8                             |
      | sobel                                          |
      | grayscale                                      |
      | threshold:threshold=40                         |
    Then HTTP and NATS give the same pixels
    And every sample is black or white
    And the pixels have the stored checksum
    And the work was done on "cpu"

  @cuda
  Scenario: A long chain on the GPU
    When it is processed on "cuda" through:
      | blur:kernel_size=5                             |
      | brightness_contrast:brightness=12,contrast=1.2 |
      | gamma:gamma=1.4                                |
      | invert                                         |
      | sobel                                          |
      | threshold:threshold=40                         |
    Then HTTP and NATS give the same pixels
    And the work was done on "cuda"

  Scenario Outline: Numbers for a model: <filter>
    When a picture of 40 by 30 pixels is turned into numbers with "<filter>"
    Then they are "<element>" numbers of the shape "<shape>" in the layout "<layout>"

    Examples:
      | filter                                                            | element | shape       | layout |
      | normalize_to_tensor                                               | f32     | 1,3,30,40   | nchw   |
      | normalize_to_tensor:width=64,height=64,fit=letterbox,layout=nhwc  | f32     | 1,64,64,3   | nhwc   |
      | normalize_to_tensor:width=32,height=16,element=f16                | f16     | 1,3,16,32   | nchw   |

  Scenario: Numbers for a model lie where mean and std put them
    When a picture of 40 by 30 pixels is turned into numbers with "normalize_to_tensor:mean=0.5,std=0.5"
    Then the numbers lie between -1 and 1

  Scenario: A histogram counts every sample
    When a picture of 40 by 30 pixels is turned into numbers with "histogram"
    Then they are "u32" numbers of the shape "3,256" in the layout "cv"
    And they add up to 3600
