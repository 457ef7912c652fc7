//! Rows of the family `morphology`.

use super::Listed;

pub(super) const LIST: &[Listed] = &[];
