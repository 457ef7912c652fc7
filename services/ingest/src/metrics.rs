//! The metrics of the HTTP gateway.

ocelli_actors::metrics_table! {
    HttpRequests = "ocelli_http_requests_total", Counter, ["route", "status"],
        "HTTP requests answered by the gateway.";
    HttpSeconds = "ocelli_http_request_duration_seconds", Histogram, ["route"],
        "From an HTTP request's head to its response.";
    HttpConnections = "ocelli_http_connections", Gauge, [],
        "Open HTTP connections of the gateway.";
    HttpConnectionsEnded = "ocelli_http_connections_ended_total", Counter, ["reason"],
        "HTTP connections that the gateway ended or did not serve.";
}
