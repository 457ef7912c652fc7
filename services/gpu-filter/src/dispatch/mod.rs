//! Decides which device a request runs on.
//!
//! - [`Measured`] wraps the backends of all workers and notes in [`Costs`] what every step takes. The
//!   workers note there what reading and writing files takes.
//! - For a new request, [`Costs`] makes an [`Estimate`](estimate::Estimate) for the CPU and the GPU.
//! - [`Balance`] adds the work that each device has yet to do, and chooses the device that is expected
//!   to finish first.
//! - [`ChoiceCounters`] count the choices, with their [`Reason`], as a metric.
//!
//! Without a GPU none of this is used: there is nothing to choose from.

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
