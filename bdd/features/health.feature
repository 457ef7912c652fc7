Feature: Health
  Operators can see whether the system is alive, whether it can accept work, and what it is doing.

  Scenario: The system is alive and ready
    Given the system is running
    Then "/live" of every process answers 200
    And "/ready" of every process answers 200
    And the readiness names the dependencies "broker, filter-workers, device"
    And "/health" of the gateway becomes 200

  Scenario: The system is not ready while the broker is down, and recovers by itself
    Given a broker
    And a gpu-filter process
    And an ingest process
    Then "/ready" of every process becomes 200
    When the broker is stopped
    Then "/ready" of every process becomes 503
    And "/health" of the gateway becomes 503
    And "/live" of every process answers 200
    When the broker is started again
    Then "/ready" of every process becomes 200
    And "/health" of the gateway becomes 200

  Scenario: The gateway is not healthy without a worker
    Given a broker
    And a gpu-filter process
    And an ingest process
    When the gpu-filter process is stopped
    Then "/health" of the gateway becomes 503
    When a gpu-filter process is started
    Then "/health" of the gateway becomes 200

  Scenario: The metrics count requests
    Given the system is running
    Then after one more request "ocelli_requests_total, ocelli_request_duration_seconds_count, ocelli_http_requests_total" has grown
    And the metrics have "ocelli_broker_connections, ocelli_credits_in_use, ocelli_frame_processing_seconds_count"

  Scenario: The actor tree shows what is running
    Given the system is running
    Then the actor tree shows "requests, live, cpu-worker-0"

  Scenario: The worker answers the NATS Services API
    Given the system is running
    When the NATS service is asked for "PING"
    Then it says which backends it has
    When the NATS service is asked for "INFO"
    Then it says which backends it has
    And it names both endpoints with their subjects
    When the NATS service is asked for "STATS"
    Then it names both endpoints with their subjects
    And it counts requests and errors of both endpoints
