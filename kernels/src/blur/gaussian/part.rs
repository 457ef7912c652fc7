//! The Gaussian blur as a part of other operations.

use std::ops::Range;

use super::MAX_DIRECT;
use super::separable;
use super::weights::Kernel;
use crate::border::Border;
use crate::{Cpu, ParameterDefinition, ParameterError, ParameterKind, Parameters, Window};

/// The parameter for the reach of the bell curve.
pub(crate) const KERNEL_SIZE: ParameterDefinition = ParameterDefinition {
    id: "kernel_size",
    name: "Kernel size",
    description: "Width and height of the blur's neighbourhood, in pixels; odd. 1 does not blur.",
    kind: ParameterKind::Integer { min: 1, max: MAX_DIRECT as i64, step: 2, default: 5 },
};

/// The parameter for the width of the bell curve.
pub(crate) const SIGMA: ParameterDefinition = ParameterDefinition {
    id: "sigma",
    name: "Sigma",
    description: "Standard deviation of the blur, in pixels. 0 derives it from the kernel size.",
    kind: ParameterKind::Number { min: 0.0, max: 100.0, step: 0.1, default: 1.0 },
};

/// A Gaussian blur, as the filter `blur` does it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gaussian {
    kernel: Kernel,
    border: Border,
}

impl Gaussian {
    /// The blur with the parameters [`KERNEL_SIZE`], [`SIGMA`] and `border_mode`.
    pub(crate) fn of(parameters: &Parameters) -> Result<Self, ParameterError> {
        let taps = usize::try_from(parameters.integer(KERNEL_SIZE.id)?).unwrap_or(1);
        let kernel = Kernel::gaussian(taps, parameters.number(SIGMA.id)?);
        Ok(Self { kernel, border: Border::of(parameters.text("border_mode")?) })
    }

    /// The border mode.
    pub(crate) fn border(&self) -> Border {
        self.border
    }

    /// The reach to each side, in pixels.
    pub(crate) fn radius(&self) -> usize {
        self.kernel.radius()
    }

    /// The weights from one end to the other, which add up to 256.
    pub(crate) fn weights(&self) -> &[u16] {
        self.kernel.weights()
    }

    /// How much work it is, compared with a kernel size of 5.
    pub(crate) fn effort(&self) -> f64 {
        self.weights().len() as f64 / 5.0
    }

    /// Whether the result is always the input.
    pub(crate) fn is_identity(&self) -> bool {
        self.kernel.is_identity()
    }

    /// Makes rows `rows` of the blurred image.
    pub(crate) fn render(
        &self,
        cpu: &Cpu,
        input: &Window<'_>,
        rows: Range<usize>,
        output: &mut [u8],
    ) {
        if !self.is_identity() {
            return separable::render(cpu, &self.kernel, self.border, input, rows, output);
        }
        let lines = output.chunks_exact_mut(input.shape().row_bytes());
        cpu.watched(rows, input.shape().row_bytes())
            .zip(lines)
            .for_each(|(y, to)| to.copy_from_slice(input.row(y)));
    }
}
