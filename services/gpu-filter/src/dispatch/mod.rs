//! Estimates what requests cost, and decides which device each runs on.
//!
//! - [`Measured`] wraps the backends of all workers and records the time of every step in
//!   [`Costs`]. The workers also record there how long reading and writing files takes.
//! - For a new request, [`Costs`] computes an [`Estimate`](estimate::Estimate) for CPU and GPU.
//! - [`Balance`] adds the backlog of each device, and chooses the device that is expected to finish
//!   first.
//! - [`ChoiceCounters`] count the choices, with their [`Reason`], as a metric.
//!
//! The estimates also decide which requests have no chance to be done in time, whose turn it is,
//! and which requests are short.

mod balance;
mod costs;
mod counters;
mod estimate;
mod line;
mod measured;

pub(crate) use balance::{Balance, Expected, Pending};
pub(crate) use costs::{Costs, FileWork};
pub(crate) use counters::{ChoiceCounters, Reason};
pub(crate) use measured::Measured;
