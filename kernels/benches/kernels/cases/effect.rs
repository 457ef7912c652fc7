//! Rows of the family `effect`.

use super::Listed;

pub(super) const LIST: &[Listed] = &[];
