//! Cases of the family `colour` that look at the whole image, or change its layout.

use super::Case;

pub(super) fn cases() -> Vec<Case> {
    Vec::new()
}
