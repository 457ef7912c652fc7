//! The gateway's areas: one file each, with the area's rows of the route table and their handlers.
//!
//! To add an area, write its file with [`routes!`](crate::routes::routes), and add it here.

mod filters;
mod health;
mod index;
mod process;

use crate::routes::Route;

/// Every route of the gateway, by area, in the order in which the index page lists them and paths
/// are matched.
pub(crate) const AREAS: &[&[Route]] =
    &[process::ROUTES, filters::ROUTES, health::ROUTES, index::ROUTES];
