//! `GET /`: what there is.

use actix_web::HttpResponse;
use serde_json::{Value, json};

use crate::routes::Route;

pub(crate) async fn handle() -> HttpResponse {
    let routes: Vec<Value> = Route::ALL
        .into_iter()
        .filter_map(|route| {
            let method = route.methods().first()?;
            Some(json!({ "method": method, "path": route.path(), "about": route.about() }))
        })
        .collect();
    HttpResponse::Ok().json(json!({
        "name": "ocelli",
        "version": env!("CARGO_PKG_VERSION"),
        "routes": routes,
    }))
}
