//! Rows of the family `privacy`.

use super::Listed;

pub(super) const LIST: &[Listed] = &[];
