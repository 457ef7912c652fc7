//! Rows of the family `sharpen`.

use super::Listed;

pub(super) const LIST: &[Listed] = &[];
