//! Which path leads where, and what each is called in metrics and traces.

use actix_web::{
    HttpRequest, HttpResponse, Resource,
    guard::{self, Guard},
    web::{self, ReqData},
};
use ocelli_kit::problem;

use crate::{
    handlers::{filters, health, index, process_image},
    scope::Scope,
};

/// A route: the closed list behind the label `route` of the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    ProcessImage,
    Filters,
    Health,
    Index,
    /// Every path that leads nowhere.
    Unknown,
}

impl Route {
    /// Those that lead somewhere.
    pub(crate) const ALL: [Self; 4] =
        [Self::ProcessImage, Self::Filters, Self::Health, Self::Index];

    /// Where a path leads.
    pub(crate) fn of(path: &str) -> Self {
        Self::ALL.into_iter().find(|route| route.path() == path).unwrap_or(Self::Unknown)
    }

    /// Its path.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::ProcessImage => "/api/v1/process/image",
            Self::Filters => "/api/v1/filters",
            Self::Health => "/health",
            Self::Index => "/",
            Self::Unknown => "unknown",
        }
    }

    /// The name of its spans.
    pub(crate) const fn span(self) -> &'static str {
        match self {
            Self::ProcessImage => "POST /api/v1/process/image",
            Self::Filters => "GET /api/v1/filters",
            Self::Health => "GET /health",
            Self::Index => "GET /",
            Self::Unknown => "HTTP",
        }
    }

    /// What it is for.
    pub(crate) const fn about(self) -> &'static str {
        match self {
            Self::ProcessImage => "An image or raw pixels in, filtered, out",
            Self::Filters => "The filters, and what can be set",
            Self::Health => "Whether work can be sent, and what it depends on",
            Self::Index => "This list",
            Self::Unknown => "",
        }
    }

    /// The methods that it knows.
    pub(crate) const fn methods(self) -> &'static [&'static str] {
        match self {
            Self::ProcessImage => &["POST"],
            Self::Filters | Self::Health | Self::Index => &["GET", "HEAD"],
            Self::Unknown => &[],
        }
    }
}

/// The routes, for [`actix_web::App::configure`].
pub(crate) fn configure(app: &mut web::ServiceConfig) {
    let reads = || web::route().guard(reading());
    app.service(resource(Route::ProcessImage).route(web::post().to(process_image::handle)))
        .service(resource(Route::Filters).route(reads().to(filters::handle)))
        .service(resource(Route::Health).route(reads().to(health::handle)))
        .service(resource(Route::Index).route(reads().to(index::handle)))
        .default_service(web::to(nowhere));
}

fn resource(route: Route) -> Resource {
    web::resource(route.path()).default_service(web::to(wrong_method))
}

fn reading() -> impl Guard {
    guard::Any(guard::Get()).or(guard::Head())
}

async fn nowhere(request: HttpRequest, scope: ReqData<Scope>) -> HttpResponse {
    problem::not_found(request.path(), scope.request_id())
}

async fn wrong_method(request: HttpRequest, scope: ReqData<Scope>) -> HttpResponse {
    let allowed = Route::of(request.path()).methods();
    problem::method_not_allowed(request.method().as_str(), allowed, scope.request_id())
}
