//! `GET /health`: whether work can be sent here.

use actix_web::{HttpResponse, web};

use super::Shared;

pub(crate) async fn handle(shared: web::Data<Shared>) -> HttpResponse {
    let health = &shared.health;
    let mut response =
        if health.ready() { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.insert_header(("cache-control", "no-store")).json(health.to_json())
}
