//! `GET /health`: whether the gateway can send work, and the state of what it depends on.

use actix_web::{HttpResponse, web};

use crate::{routes::routes, shared::Shared};

routes! {
    GET "/health", "Reports whether work can be sent, and the state of each dependency" => health;
}

async fn health(shared: web::Data<Shared>) -> HttpResponse {
    let health = &shared.health;
    let mut response =
        if health.ready() { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.insert_header(("cache-control", "no-store")).json(health.to_json())
}
