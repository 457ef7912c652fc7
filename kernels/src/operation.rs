//! A filter with its parameters set.

use std::fmt::Debug;

use crate::{FilterDefinition, Image, ImageError, Launch, PixelFormat, Pool, Size};

/// What one step of a chain does, on every processor that can do it.
///
/// Implementations give the same result on each, within the tolerance of the definition.
pub trait Operation: Send + Sync + Debug {
    /// The filter that this is.
    fn definition(&self) -> &'static FilterDefinition;

    /// The layout of the result for that layout of the input.
    fn output_format(&self, input: PixelFormat) -> PixelFormat {
        input
    }

    /// Does it on the calling thread.
    ///
    /// # Errors
    /// If the result is not an image, which is a bug of the operation.
    fn run_cpu(&self, input: &Image, pool: &Pool) -> Result<Image, ImageError>;

    /// How to do it on a GPU for an input of that size and layout, packed; `None` if it cannot.
    fn cuda(&self, size: Size, input: PixelFormat) -> Option<Launch> {
        let _ = (size, input);
        None
    }
}
