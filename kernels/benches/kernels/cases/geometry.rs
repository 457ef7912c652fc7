//! Rows of the family `geometry`.

use super::Listed;

pub(super) const LIST: &[Listed] = &[];
