//! Image operations, each with its CPU and its CUDA implementation side by side, and the codecs.
//!
//! - [`Image`]: pixels; [`Pool`]: where their memory comes from and goes back to.
//! - [`codec`]: PNG, JPEG and WebP files to images and back.
//!
//! No NATS, no actors, no protobuf here: images in, images out.

pub mod codec;
mod image;
mod pool;

pub use image::{Image, ImageError, PixelFormat, Size};
pub use pool::{Pool, PooledBuffer};
