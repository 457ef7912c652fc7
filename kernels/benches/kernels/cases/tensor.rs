//! Rows of the family `tensor`.

use super::Listed;

pub(super) const LIST: &[Listed] = &[];
