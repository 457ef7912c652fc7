//! Rows of the family `edges`.

use super::Listed;

pub(super) const LIST: &[Listed] = &[];
