//! The admin port: liveness, readiness, metrics, and the actors of the process.
//!
//! It has a thread of its own, so that it answers even while the service is busy. It is meant for
//! the platform (probes, Prometheus, engineers), not for clients, so it should be bound to a
//! private address.

use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer, Resource,
    dev::Server,
    guard::{Any, Get, Head},
    web,
};
use metrics_exporter_prometheus::PrometheusHandle;
use ocelli_messages::{MessageContext, header};
use serde_json::json;

use crate::{health::Health, memory, problem};

/// A function that returns the actors of this process as JSON.
pub type Tree = Arc<dyn Fn() -> serde_json::Value + Send + Sync>;

/// What the admin port shows.
#[derive(Clone)]
pub struct AdminState {
    /// The health that `/ready` and `/health` report.
    pub health: Health,
    /// The metrics that `/metrics` returns.
    pub prometheus: PrometheusHandle,
    /// The actors that `/debug/actors` returns.
    pub tree: Tree,
    /// The version that `/version` returns.
    pub version: &'static str,
}

impl fmt::Debug for AdminState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminState").field("version", &self.version).finish_non_exhaustive()
    }
}

/// Binds the admin port (0 for a free one), and returns its address and the server, which runs once
/// it is awaited or spawned. The server should be stopped last, through its [`Server::handle`].
///
/// # Errors
/// If the address cannot be bound.
pub async fn serve(addr: SocketAddr, state: AdminState) -> io::Result<(SocketAddr, Server)> {
    let server = HttpServer::new(move || App::new().configure(routes(state.clone())))
        .workers(1)
        .disable_signals()
        .keep_alive(Duration::from_secs(5))
        .client_request_timeout(Duration::from_secs(5))
        .shutdown_timeout(1)
        .bind(addr)
        .map_err(|error| {
            io::Error::new(error.kind(), format!("cannot bind the admin port {addr}: {error}"))
        })?;
    let bound = server.addrs().first().copied().unwrap_or(addr);
    Ok((bound, server.run()))
}

/// The routes of the admin port, for [`App::configure`].
pub fn routes(state: AdminState) -> impl FnOnce(&mut web::ServiceConfig) {
    move |app| {
        app.app_data(web::Data::new(state))
            .service(resource("/live", live))
            .service(resource("/ready", ready))
            .service(resource("/health", health))
            .service(resource("/metrics", metrics))
            .service(resource("/debug/actors", actors))
            .service(resource("/version", version))
            .default_service(web::to(nowhere));
    }
}

const METHODS: [&str; 2] = ["GET", "HEAD"];

fn resource(path: &str, answer: fn(&AdminState) -> HttpResponse) -> Resource {
    let handler = move |state: web::Data<AdminState>| {
        let response = answer(&state);
        async move { response }
    };
    web::resource(path)
        .route(web::route().guard(Any(Get()).or(Head())).to(handler))
        .default_service(web::to(wrong_method))
}

fn live(_: &AdminState) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "live" }))
}

fn ready(state: &AdminState) -> HttpResponse {
    let (status, report) = state.health.report();
    let mut response =
        if status.is_ready() { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.json(report)
}

fn health(state: &AdminState) -> HttpResponse {
    HttpResponse::Ok().json(state.health.to_json())
}

fn metrics(state: &AdminState) -> HttpResponse {
    memory::record_resident();
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(state.prometheus.render())
}

fn actors(state: &AdminState) -> HttpResponse {
    HttpResponse::Ok().json((state.tree)())
}

fn version(state: &AdminState) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "version": state.version }))
}

async fn nowhere(request: HttpRequest) -> HttpResponse {
    problem::not_found(request.path(), &request_id(&request))
}

async fn wrong_method(request: HttpRequest) -> HttpResponse {
    problem::method_not_allowed(request.method().as_str(), &METHODS, &request_id(&request))
}

/// The request id of the caller, or a new one.
fn request_id(request: &HttpRequest) -> String {
    let get =
        |name| (name == header::REQUEST_ID).then(|| request.headers().get(name)?.to_str().ok());
    let (now, timeout) = (std::time::SystemTime::now(), Duration::ZERO);
    MessageContext::read(|name| get(name).flatten(), now, timeout)
        .unwrap_or_else(|_| MessageContext::new(now, timeout))
        .request_id
}

#[cfg(test)]
mod tests {
    use actix_web::{
        http::{Method, StatusCode, header},
        test,
    };
    use serde_json::Value;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::telemetry::recorder;

    fn state() -> AdminState {
        AdminState {
            health: Health::new(),
            prometheus: recorder().unwrap(),
            tree: Arc::new(|| json!([{ "name": "pump" }])),
            version: "1.2.3",
        }
    }

    async fn call(state: &AdminState, method: Method, path: &str) -> (StatusCode, String, String) {
        let app = test::init_service(App::new().configure(routes(state.clone()))).await;
        let request = test::TestRequest::with_uri(path).method(method).to_request();
        let response = test::call_service(&app, request).await;
        let (status, kind) = (response.status(), response.headers().get(header::CONTENT_TYPE));
        let kind = kind.unwrap().to_str().unwrap().to_owned();
        let body = test::read_body(response).await;
        (status, kind, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn get(state: &AdminState, path: &str) -> (u16, Value) {
        let (status, _, body) = call(state, Method::GET, path).await;
        (status.as_u16(), serde_json::from_str(&body).unwrap())
    }

    #[actix_web::test]
    async fn readiness_follows_the_required_dependencies() {
        let state = state();
        let broker = state.health.dependency("broker", true);
        assert_eq!(get(&state, "/live").await, (200, json!({ "status": "live" })));
        let (status, body) = get(&state, "/ready").await;
        assert_eq!((status, &body["status"]), (503, &json!("not_ready")));
        assert_eq!(body["dependencies"]["broker"]["state"], "down");
        assert_eq!(get(&state, "/health").await, (200, body));
        broker.up("connected");
        let (status, body) = get(&state, "/ready").await;
        assert_eq!((status, &body["status"]), (200, &json!("ready")));
        assert_eq!(body["dependencies"]["broker"]["detail"], "connected");
        state.health.stopping();
        let (status, body) = get(&state, "/ready").await;
        assert_eq!((status, &body["status"]), (503, &json!("stopping")));
        assert_eq!(get(&state, "/live").await.0, 200, "it is stopping, not dead");
    }

    #[actix_web::test]
    async fn metrics_are_in_the_format_of_prometheus() {
        use ocelli_actors::metrics::{Metric, counter, histogram};
        let state = state();
        counter(Metric::Requests, &["admin.test", "ok"]).increment(3);
        histogram(Metric::RequestSeconds, &["admin.test"]).record(0.000_2);
        let (status, kind, body) = call(&state, Method::GET, "/metrics").await;
        assert_eq!(status, 200);
        assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
        for line in [
            "# TYPE ocelli_requests_total counter",
            "ocelli_requests_total{endpoint=\"admin.test\",code=\"ok\"} 3",
            "ocelli_request_duration_seconds_bucket{endpoint=\"admin.test\",le=\"0.0001\"} 0",
            "ocelli_request_duration_seconds_bucket{endpoint=\"admin.test\",le=\"0.00025\"} 1",
        ] {
            assert!(body.lines().any(|found| found == line), "{line}\n{body}");
        }
        assert!(body.contains("# HELP ocelli_requests_total Requests answered"), "{body}");
        let resident = body.lines().find_map(|line| {
            line.strip_prefix("process_resident_memory_bytes ")?.parse::<f64>().ok()
        });
        assert!(resident.unwrap() > 1e6, "{body}");
    }

    #[actix_web::test]
    async fn the_tree_and_the_version() {
        let state = state();
        assert_eq!(get(&state, "/debug/actors").await, (200, json!([{ "name": "pump" }])));
        assert_eq!(get(&state, "/version").await, (200, json!({ "version": "1.2.3" })));
    }

    #[actix_web::test]
    async fn an_unknown_path_and_a_wrong_method_are_problems() {
        let (status, kind, body) = call(&state(), Method::GET, "/nowhere").await;
        assert_eq!((status.as_u16(), kind.as_str()), (404, problem::CONTENT_TYPE));
        assert!(body.contains("/nowhere"), "{body}");
        for path in ["/live", "/ready", "/metrics", "/debug/actors"] {
            let (status, kind, body) = call(&state(), Method::POST, path).await;
            assert_eq!((status.as_u16(), kind.as_str()), (405, problem::CONTENT_TYPE), "{path}");
            assert!(body.contains("\"allowed\":[\"GET\",\"HEAD\"]"), "{body}");
        }
    }

    #[actix_web::test]
    async fn the_callers_request_id_is_kept_and_a_wrong_one_replaced() {
        for (sent, kept) in [("abc-1", true), ("two words", false)] {
            let app = test::init_service(App::new().configure(routes(state()))).await;
            let request = test::TestRequest::with_uri("/x")
                .insert_header(("ocelli-request-id", sent))
                .to_request();
            let response = test::call_service(&app, request).await;
            let id =
                response.headers().get("ocelli-request-id").unwrap().to_str().unwrap().to_owned();
            assert_eq!(id == sent, kept, "{sent} became {id}");
            assert!(!id.is_empty());
        }
    }

    #[actix_web::test]
    async fn it_serves_on_a_free_port_and_refuses_a_taken_one() {
        let (addr, server) = serve(([127, 0, 0, 1], 0).into(), state()).await.unwrap();
        let handle = server.handle();
        let running = actix_web::rt::spawn(server);
        let mut stream = tokio::net::TcpStream::connect(addr).await.unwrap();
        stream
            .write_all(b"HEAD /live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\n"), "a HEAD request gets no body: {answer}");

        let error = serve(addr, state()).await.map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains(&addr.to_string()), "{error}");
        handle.stop(true).await;
        running.await.unwrap().unwrap();
    }
}
