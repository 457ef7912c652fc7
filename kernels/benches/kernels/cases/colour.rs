//! Rows of the family `colour`.

use super::{Listed, RGB};

pub(super) const LIST: &[Listed] = &[("grayscale", &[], RGB)];
