//! What answers messages.

mod list;
mod live;
mod process;

pub(crate) use list::List;
pub(crate) use live::Live;
pub(crate) use process::Process;
