//! The section `[limits]`.

use ocelli_messages::Limits;
use serde::{Deserialize, Serialize};

use super::{Problem, Section};
use crate::memory;

/// The section `[limits]`: the limits on images and pipelines, and the budget of memory.
///
/// The fields of [`Limits`] are repeated here, because a section must not be flattened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// The largest encoded image, in bytes.
    pub max_encoded_bytes: usize,
    /// The largest width and the largest height, in pixels.
    pub max_side_px: u32,
    /// The largest width × height, in pixels.
    pub max_pixels: u64,
    /// The largest number of steps in a pipeline.
    pub max_steps: usize,
    /// The budget of the process for images and messages, in bytes; 0 takes half of the memory that
    /// the process may use, and at most 2 GiB.
    pub memory_bytes: u64,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Limits::default().into()
    }
}

impl From<Limits> for LimitsConfig {
    /// These limits, with the default budget.
    fn from(limits: Limits) -> Self {
        let Limits { max_encoded_bytes, max_side_px, max_pixels, max_steps } = limits;
        Self { max_encoded_bytes, max_side_px, max_pixels, max_steps, memory_bytes: 0 }
    }
}

impl LimitsConfig {
    /// The limits on images and pipelines.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        let Self { max_encoded_bytes, max_side_px, max_pixels, max_steps, memory_bytes: _ } = *self;
        Limits { max_encoded_bytes, max_side_px, max_pixels, max_steps }
    }

    /// The budget of the process for images and messages, in bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        if self.memory_bytes == 0 { memory::default_budget() } else { self.memory_bytes }
    }

    /// The problem with a budget that is too small for one request.
    fn too_little(&self, budget: u64) -> Option<Problem> {
        let least = memory::least_budget(&self.limits());
        let given = if self.memory_bytes == 0 {
            format!("half of the memory here is {budget} bytes")
        } else {
            format!("{budget} bytes is not enough")
        };
        let message = format!(
            "{given}, but one largest request needs {least}: set it to at least {least}, or lower \
             limits.max_pixels or limits.max_encoded_bytes"
        );
        (budget < least).then(|| Problem::new("memory_bytes", message))
    }
}

impl Section for LimitsConfig {
    fn problems(&self) -> Vec<Problem> {
        let limits = [
            ("max_encoded_bytes", self.max_encoded_bytes as u64),
            ("max_side_px", self.max_side_px.into()),
            ("max_pixels", self.max_pixels),
            ("max_steps", self.max_steps as u64),
        ];
        let zero = limits.into_iter().filter(|(_, value)| *value == 0).map(|(field, _)| {
            Problem::new(field, "must be at least 1, because 0 would refuse everything")
        });
        zero.chain(self.too_little(self.memory_bytes())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_of_images_are_unchanged() {
        let config = LimitsConfig::default();
        assert_eq!(config.limits(), Limits::default());
        assert_eq!(config.too_little(2 << 30), None);
    }

    #[test]
    fn a_limit_of_nothing_is_a_problem() {
        let none = LimitsConfig { max_steps: 0, max_side_px: 0, ..LimitsConfig::default() };
        let fields: Vec<_> = none.problems().into_iter().map(|problem| problem.field).collect();
        assert_eq!(fields, ["max_side_px", "max_steps"]);
    }

    #[test]
    fn a_budget_below_one_largest_request_names_both_numbers_and_the_ways_out() {
        let least = memory::least_budget(&Limits::default());
        let enough = LimitsConfig { memory_bytes: least, ..LimitsConfig::default() };
        assert_eq!(enough.problems(), []);
        let config = LimitsConfig { memory_bytes: least - 1, ..LimitsConfig::default() };
        let problems = config.problems();
        let text = problems.first().unwrap().to_string();
        for part in [
            "memory_bytes".to_owned(),
            least.to_string(),
            (least - 1).to_string(),
            "limits.max_pixels".to_owned(),
        ] {
            assert!(text.contains(&part), "{part}: {text}");
        }
        let smaller = LimitsConfig { max_pixels: 1_000_000, ..config };
        assert_eq!(smaller.problems(), []);
    }

    #[test]
    fn half_of_a_small_machine_may_be_too_little() {
        let text = LimitsConfig::default().too_little(1 << 20).unwrap().to_string();
        assert!(text.contains("half of the memory here is 1048576 bytes"), "{text}");
    }
}
