//! What a picture is: the lowest layer of the workspace, shared by the wire and by the kernels.
//!
//! - [`PixelFormat`], [`Size`] and [`Shape`]: what an image is without its pixels.
//! - [`Limits`]: how large an image may be, checked before memory is taken for it.
//! - [`Image`]: shared, immutable pixels; [`Pool`]: the reusable memory for pixels.
//! - [`codec`]: PNG, JPEG and WebP files to images and back, and the one parser of their headers.
//!
//! The crate uses no async runtime, no broker, no protobuf and no device.

#![forbid(unsafe_code)]

pub mod codec;
mod format;
mod image;
mod limits;
mod pool;
mod size;

pub use codec::{Codec, CodecError, Header};
pub use format::{PixelFormat, Shape};
pub use image::{Image, ImageError, Plane};
pub use limits::{LimitError, Limits};
pub use pool::{CACHE_LINE, Pixels, Pool, PooledBuffer};
pub use size::Size;
