//! `GET /`: the list of routes, made from the route table.

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::AREAS;
use crate::routes::{Route, routes};

routes! {
    GET "/", "Lists the routes" => index;
}

async fn index() -> HttpResponse {
    let routes: Vec<Value> = AREAS.iter().copied().flatten().map(entry).collect();
    HttpResponse::Ok().json(json!({
        "name": "ocelli",
        "version": env!("CARGO_PKG_VERSION"),
        "routes": routes,
    }))
}

fn entry(route: &Route) -> Value {
    json!({ "method": route.methods.first(), "path": route.pattern, "about": route.about })
}
