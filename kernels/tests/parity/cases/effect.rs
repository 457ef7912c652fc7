//! Cases of the family `effect`.

use super::Case;

pub(super) fn cases() -> Vec<Case> {
    Vec::new()
}
