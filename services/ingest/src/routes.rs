//! The table of routes: a row states everything about a route, once.
//!
//! The rows are written with [`routes!`] in the files of their areas. Actix's resources, the answer
//! 405 with its `Allow` header, the index page, the values of the metric label `route` and the
//! names of spans all come from them.

use std::rc::Rc;

use actix_web::{
    HttpRequest, HttpResponse, Resource,
    guard::{self, Guard},
    middleware::from_fn,
    web::{self, ReqData},
};
use ocelli_kit::problem;
use ocelli_messages::Tenant;

use crate::scope::{Scope, scope};

/// One row of the table.
#[derive(Debug)]
pub(crate) struct Route {
    /// The methods that it answers. The first one names the route in the index and in its span.
    pub(crate) methods: &'static [&'static str],
    /// Its path, with the names of parameters in braces: `/v2/models/{name}/infer`. The pattern,
    /// and never the path of a request, is the value of the metric labels `route` and `handler`:
    /// that keeps them a closed list.
    pub(crate) pattern: &'static str,
    /// The name of its spans: `POST /v2/models/{name}/infer`.
    pub(crate) span: &'static str,
    /// What it does, in one line for the index page.
    pub(crate) about: &'static str,
    /// Makes the actix route that calls its handler.
    pub(crate) handler: fn() -> actix_web::Route,
}

/// Declares the `ROUTES` of an area, one row each:
/// `METHOD "pattern", "what it does" => handler;`. A route for GET answers HEAD too.
macro_rules! routes {
    ($($method:ident $pattern:literal, $about:literal => $handler:path;)+) => {
        pub(crate) const ROUTES: &[$crate::routes::Route] = &[$($crate::routes::Route {
            methods: $crate::routes::routes!(@methods $method),
            pattern: $pattern,
            span: concat!(stringify!($method), " ", $pattern),
            about: $about,
            handler: || ::actix_web::web::to($handler),
        }),+];
    };
    (@methods GET) => { &["GET", "HEAD"] };
    (@methods $method:ident) => { &[stringify!($method)] };
}
pub(crate) use routes;

/// Stands for every path that no row of the table matches.
pub(crate) static UNKNOWN: Route = Route {
    methods: &[],
    pattern: "unknown",
    span: "HTTP",
    about: "",
    handler: || web::to(not_found),
};

/// Registers the routes of all `areas`, whose requests belong to `tenant`, for
/// [`actix_web::App::configure`]. Where two patterns match a path, the earlier one gets it.
pub(crate) fn configure(
    areas: &'static [&'static [Route]],
    tenant: Tenant,
) -> impl FnOnce(&mut web::ServiceConfig) {
    move |app| {
        let rows = || areas.iter().copied().flatten();
        for (position, first) in rows().enumerate() {
            if rows().take(position).all(|earlier| earlier.pattern != first.pattern) {
                let same = rows().filter(|row| row.pattern == first.pattern);
                app.service(resource(first, same, &tenant));
            }
        }
        app.default_service(in_scope(&UNKNOWN, &tenant, (UNKNOWN.handler)()));
    }
}

/// The rows of one pattern. Requests with a method that none of them answers are counted under
/// `first`.
fn resource(
    first: &'static Route,
    rows: impl Iterator<Item = &'static Route>,
    tenant: &Tenant,
) -> Resource {
    let mut allowed = Vec::new();
    let mut resource = web::resource(first.pattern);
    for row in rows {
        allowed.extend_from_slice(row.methods);
        let route = in_scope(row, tenant, (row.handler)());
        resource = resource.route(route.guard(has_method_of(row)));
    }
    let allowed: Rc<[_]> = allowed.into();
    let refuse = web::to(move |request: HttpRequest, scope: ReqData<Scope>| {
        let allowed = Rc::clone(&allowed);
        async move {
            let method = request.method().as_str();
            problem::method_not_allowed(method, &allowed, scope.request_id())
        }
    });
    resource.default_service(in_scope(first, tenant, refuse))
}

/// Wraps a handler in the middleware that gives each request its [`Scope`].
fn in_scope(route: &'static Route, tenant: &Tenant, handler: actix_web::Route) -> actix_web::Route {
    let tenant = tenant.clone();
    handler.wrap(from_fn(move |request, next| scope(route, tenant.clone(), request, next)))
}

fn has_method_of(route: &'static Route) -> impl Guard {
    guard::fn_guard(|request| route.methods.contains(&request.head().method.as_str()))
}

async fn not_found(request: HttpRequest, scope: ReqData<Scope>) -> HttpResponse {
    problem::not_found(request.path(), scope.request_id())
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashSet,
        fmt,
        sync::{Arc, Mutex},
    };

    use actix_web::{
        App,
        dev::ResourceDef,
        http::Method,
        test::{TestRequest, call_service, init_service, read_body},
    };
    use ocelli_kit::telemetry::recorder;
    use tracing::{
        Subscriber,
        field::{Field, Visit},
        span,
    };
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

    use super::*;
    use crate::areas::AREAS;

    /// Two areas that share a pattern, which has a parameter.
    const TEST_AREAS: &[&[Route]] = &[models::ROUTES, admin::ROUTES];

    mod models {
        routes! {
            POST "/v2/models/{name}/infer", "Runs a model" => super::describe;
            GET "/v2/models/{name}", "Describes a model" => super::describe;
        }
    }

    mod admin {
        routes! {
            DELETE "/v2/models/{name}", "Unloads a model" => super::describe;
        }
    }

    /// Answers with the parameter, the row and the tenant.
    async fn describe(name: web::Path<String>, scope: ReqData<Scope>) -> String {
        format!("{name} {} {}", scope.route.span, scope.tenant)
    }

    /// Keeps the names of the spans that are opened.
    #[derive(Clone, Default)]
    struct SpanNames(Arc<Mutex<Vec<String>>>);

    impl<S: Subscriber> Layer<S> for SpanNames {
        fn on_new_span(&self, span: &span::Attributes<'_>, _: &span::Id, _: Context<'_, S>) {
            span.record(&mut self.clone());
        }
    }

    impl Visit for SpanNames {
        fn record_str(&mut self, field: &Field, value: &str) {
            if field.name() == "otel.name" {
                self.0.lock().unwrap().push(value.to_owned());
            }
        }

        fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
    }

    /// The status, the `Allow` header and the body.
    async fn ask(method: Method, path: &str) -> (u16, String, String) {
        let tenant = "acme".parse().unwrap();
        let app = init_service(App::new().configure(configure(TEST_AREAS, tenant))).await;
        let request = TestRequest::default().method(method).uri(path).to_request();
        let response = call_service(&app, request).await;
        let status = response.status().as_u16();
        let allow = response.headers().get("allow").map_or("", |value| value.to_str().unwrap());
        let allow = allow.to_owned();
        (status, allow, String::from_utf8(read_body(response).await.to_vec()).unwrap())
    }

    #[actix_web::test]
    async fn a_path_with_a_parameter_is_called_by_its_pattern() {
        let metrics = recorder().unwrap();
        let names = SpanNames::default();
        let subscriber = tracing_subscriber::registry().with(names.clone());
        let _guard = tracing::subscriber::set_default(subscriber);
        for (method, path, body) in [
            (Method::POST, "/v2/models/yolo/infer", "yolo POST /v2/models/{name}/infer acme"),
            (Method::GET, "/v2/models/yolo", "yolo GET /v2/models/{name} acme"),
            (Method::HEAD, "/v2/models/yolo", "yolo GET /v2/models/{name} acme"),
            (Method::DELETE, "/v2/models/yolo", "yolo DELETE /v2/models/{name} acme"),
        ] {
            assert_eq!(ask(method, path).await, (200, String::new(), body.to_owned()));
        }
        assert_eq!(ask(Method::PUT, "/v2/models/yolo").await.0, 405);
        assert_eq!(ask(Method::GET, "/v2/models/yolo/other").await.0, 404);
        assert_eq!(
            *names.0.lock().unwrap(),
            [
                "POST /v2/models/{name}/infer",
                "GET /v2/models/{name}",
                "GET /v2/models/{name}",
                "DELETE /v2/models/{name}",
                "GET /v2/models/{name}",
                "HTTP",
            ],
        );
        let metrics = metrics.render();
        for labels in [
            r#"{route="/v2/models/{name}/infer",status="200"}"#,
            r#"{route="/v2/models/{name}",status="200"}"#,
            r#"{route="/v2/models/{name}",status="405"}"#,
            r#"{route="unknown",status="404"}"#,
        ] {
            assert!(metrics.contains(labels), "{labels} is not in\n{metrics}");
        }
        assert!(!metrics.contains("yolo"), "{metrics}");
    }

    #[actix_web::test]
    async fn a_wrong_method_is_told_the_methods_of_every_row_of_the_pattern() {
        for (path, allowed) in
            [("/v2/models/yolo", "GET, HEAD, DELETE"), ("/v2/models/yolo/infer", "POST")]
        {
            let (status, allow, problem) = ask(Method::PATCH, path).await;
            assert_eq!((status, allow.as_str()), (405, allowed));
            assert!(problem.contains("PATCH"), "{problem}");
        }
    }

    #[test]
    fn every_route_of_the_gateway_has_a_row_of_its_own_and_can_be_reached() {
        let rows: Vec<_> = AREAS.iter().copied().flatten().collect();
        let mut seen = HashSet::new();
        for (position, row) in rows.iter().enumerate() {
            for method in row.methods {
                assert!(seen.insert((method, row.pattern)), "{method} {} twice", row.pattern);
            }
            assert!(!row.about.is_empty(), "{}", row.span);
            // A path of that pattern, with each parameter replaced by its name.
            let path = row.pattern.replace(['{', '}'], "");
            for earlier in &rows[..position] {
                let takes = ResourceDef::new(earlier.pattern).is_match(&path);
                assert!(!takes || earlier.pattern == row.pattern, "{} hides {path}", earlier.span);
            }
        }
    }

    #[test]
    fn the_reference_pages_list_every_route() {
        let http = include_str!("../../../docs/reference/http.md");
        let metrics = include_str!("../../../docs/reference/metrics.md");
        let mut patterns = Vec::new();
        for route in AREAS.iter().copied().flatten() {
            let row = format!("| `{}` | {} |", route.span, route.about);
            assert!(http.contains(&row), "docs/reference/http.md must have the row {row}");
            patterns.push(route.pattern);
        }
        patterns.dedup();
        let row = format!("| route | {}, unknown |", patterns.join(", "));
        assert!(metrics.contains(&row), "docs/reference/metrics.md must have the row {row}");
    }
}
