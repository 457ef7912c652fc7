//! Converts filter definitions to messages.

use ocelli_kernels::{FilterDefinition, ParameterDefinition, ParameterKind};
use ocelli_messages::v1;

/// Converts a definition to a message. `accelerators` are those of this worker.
pub(crate) fn definition(
    filter: &FilterDefinition,
    accelerators: &[v1::Accelerator],
) -> v1::FilterDefinition {
    let runs = |on: &v1::Accelerator| *on == v1::Accelerator::Cpu || filter.cuda;
    v1::FilterDefinition {
        id: filter.id.into(),
        name: filter.name.into(),
        description: filter.description.into(),
        parameters: filter.parameters.iter().map(parameter).collect(),
        formats: filter
            .formats
            .iter()
            .map(|&format| v1::PixelFormat::from(format).into())
            .collect(),
        accelerators: accelerators.iter().copied().filter(runs).map(Into::into).collect(),
        tolerance: filter.tolerance.into(),
        family: filter.family.name().into(),
        notes: filter.notes.into(),
    }
}

fn parameter(parameter: &ParameterDefinition) -> v1::FilterParameter {
    let mut message = v1::FilterParameter {
        id: parameter.id.into(),
        name: parameter.name.into(),
        description: parameter.description.into(),
        ..Default::default()
    };
    let mut range = |min: f64, max: f64, step: f64| {
        message.minimum = Some(min);
        message.maximum = Some(max);
        message.step = Some(step);
    };
    let kind = match parameter.kind {
        ParameterKind::Select { options, .. } => {
            message.options = options.iter().map(ToString::to_string).collect();
            v1::ParameterType::Select
        }
        #[allow(clippy::cast_precision_loss, reason = "ranges of parameters are small numbers")]
        ParameterKind::Integer { min, max, step, .. } => {
            range(min as f64, max as f64, step as f64);
            v1::ParameterType::Integer
        }
        ParameterKind::Number { min, max, step, .. } => {
            range(min, max, step);
            v1::ParameterType::Number
        }
        ParameterKind::Boolean { .. } => v1::ParameterType::Boolean,
        ParameterKind::Numbers { min_items, max_items, group, min, max, .. } => {
            message.minimum = Some(min);
            message.maximum = Some(max);
            message.min_items = narrow(min_items);
            message.max_items = narrow(max_items);
            message.items_step = narrow(group);
            v1::ParameterType::Numbers
        }
        ParameterKind::Color { .. } => v1::ParameterType::Color,
        ParameterKind::Text { max_chars, .. } => {
            message.max_items = narrow(max_chars);
            v1::ParameterType::Text
        }
    };
    message.r#type = kind.into();
    message.default_value = parameter.kind.default_text();
    message
}

fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
