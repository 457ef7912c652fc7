//! Rows of the family `colour` that look at the whole image, or change its layout.

use super::Listed;

pub(super) const LIST: &[Listed] = &[];
