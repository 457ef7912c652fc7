//! The codecs through their public interface.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod damage;
mod fixtures;
mod png_file;
mod reading;
mod writing;
