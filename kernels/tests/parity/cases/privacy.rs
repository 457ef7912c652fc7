//! Cases of the family `privacy`.

use super::Case;

pub(super) fn cases() -> Vec<Case> {
    Vec::new()
}
