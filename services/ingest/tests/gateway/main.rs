//! The gateway over a real broker: each promise that it makes to HTTP clients.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod bad_input;
mod forms;
mod gone;
mod images;
mod lifecycle;
mod slow;
mod support;
mod tenants;
mod workers;
