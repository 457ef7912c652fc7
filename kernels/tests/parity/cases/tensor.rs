//! Cases of the family `tensor`.

use super::Case;

pub(super) fn cases() -> Vec<Case> {
    Vec::new()
}
