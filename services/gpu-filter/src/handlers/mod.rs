//! The handlers of this service's messages.

mod list;
mod live;
mod process;

pub(crate) use list::List;
pub(crate) use live::Live;
pub(crate) use process::Process;
