//! Filter definitions as messages.

use ocelli_kernels::{FilterDefinition, ParameterDefinition, ParameterKind, PixelFormat};
use ocelli_messages::v1;

/// A definition as a message; `accelerators` is what this worker has.
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
        formats: filter.formats.iter().map(|&format| pixel_format(format).into()).collect(),
        accelerators: accelerators.iter().copied().filter(runs).map(Into::into).collect(),
        tolerance: filter.tolerance.into(),
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
    let (kind, default) = match parameter.kind {
        ParameterKind::Select { options, default } => {
            message.options = options.iter().map(ToString::to_string).collect();
            (v1::ParameterType::Select, default.to_owned())
        }
        #[allow(clippy::cast_precision_loss, reason = "ranges of parameters are small numbers")]
        ParameterKind::Integer { min, max, step, default } => {
            range(min as f64, max as f64, step as f64);
            (v1::ParameterType::Integer, default.to_string())
        }
        ParameterKind::Number { min, max, step, default } => {
            range(min, max, step);
            (v1::ParameterType::Number, default.to_string())
        }
        ParameterKind::Boolean { default } => (v1::ParameterType::Boolean, default.to_string()),
    };
    message.r#type = kind.into();
    message.default_value = default;
    message
}

/// The layouts that operations work on, as the wire calls them.
pub(crate) const fn pixel_format(format: PixelFormat) -> v1::PixelFormat {
    match format {
        PixelFormat::Gray8 => v1::PixelFormat::Gray8,
        PixelFormat::Rgb8 => v1::PixelFormat::Rgb8,
        PixelFormat::Rgba8 => v1::PixelFormat::Rgba8,
    }
}
