Feature: Live frames
  Frames published to frame.in come back on frame.out with the same sequence, as a picture or as an error.
  Dropped frames are counted.

  Scenario: Frames come out as they went in
    Given the system is running
    And a subscriber to the live frames of "cam-1"
    When 12 frames are published, each after the answer to the one before
    Then every frame came out in order with its stream, sequence and time of capture

  Scenario: A frame that cannot be processed comes out as an error
    Given the system is running
    And a subscriber to the live frames of "cam-2"
    When a good frame, a damaged image, a good frame with an unknown filter and a good frame are published
    Then frame 1 came out as a picture
    And frame 2 came out as the error "invalid_argument" about "frame.encoded.data"
    And frame 3 came out as the error "invalid_argument" about "pipeline.steps[0].filter.id"
    And frame 4 came out as a picture

  Scenario: Every frame that comes in comes out or is counted as dropped
    Given a broker
    And a gpu-filter process
    And a subscriber to the live frames of "flood"
    When 400 frames are published at once
    Then every frame is counted as in, and in = out + dropped
    And no frame came out twice

  Scenario: Two processes share the load
    Given a broker
    And a gpu-filter process
    And another gpu-filter process
    And a subscriber to the live frames of "shared"
    When 200 frames are published, at most 8 of them unanswered
    Then every frame is counted as in, and in = out + dropped
    And no frame came out twice
    And each of 2 workers did a part of them
