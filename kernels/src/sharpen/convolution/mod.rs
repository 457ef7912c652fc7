//! `convolution`: a convolution with any kernel.

mod cpu;
mod kernel;
mod sums;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use super::gpu;
use crate::border::{self, Border};
use crate::cuda::CudaWork;
use crate::{
    Cpu, CpuWork, Entry, Family, FilterDefinition, Operation, ParameterDefinition, ParameterError,
    ParameterKind, Parameters, PixelFormat, Reach, Rows, Shape, Window,
};
use kernel::{GREATEST, Kernel, MOST, Plan};
use sums::Finish;
pub(crate) const ENTRY: Entry = Entry { definition: &DEFINITION, build };

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "convolution",
    name: "Convolution",
    description: "Replaces each sample by the sum of its neighbours, each multiplied by a number \
                  of the kernel, over a divisor, plus an offset. Transparency is kept.",
    family: Family::Sharpen,
    parameters: &[
        ParameterDefinition {
            id: "kernel",
            name: "Kernel",
            description: "The numbers of the kernel, row by row. The number of rows and of columns \
                          must be odd.",
            kind: ParameterKind::Numbers {
                min_items: 1,
                max_items: MOST,
                group: 1,
                min: -GREATEST,
                max: GREATEST,
                default: &[0.0, -1.0, 0.0, -1.0, 5.0, -1.0, 0.0, -1.0, 0.0],
            },
        },
        ParameterDefinition {
            id: "width",
            name: "Columns",
            description: "Number of columns of the kernel; 0 means that the kernel is square.",
            kind: ParameterKind::Integer { min: 0, max: MOST as i64, step: 1, default: 0 },
        },
        ParameterDefinition {
            id: "divisor",
            name: "Divisor",
            description: "The number that the sum is divided by; 0 means the sum of the kernel, or \
                          1 if that sum is 0.",
            kind: ParameterKind::Number { min: -1e6, max: 1e6, step: 1.0, default: 0.0 },
        },
        ParameterDefinition {
            id: "offset",
            name: "Offset",
            description: "Levels of 255 that are added at the end.",
            kind: ParameterKind::Number { min: -1000.0, max: 1000.0, step: 1.0, default: 0.0 },
        },
        border::PARAMETER,
    ],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's filter2D with the kernel over the divisor and the offset as delta: bit for \
            bit if all are whole numbers and the divisor is 1, otherwise within one level. As in \
            OpenCV, it is a correlation: the kernel is not flipped. Halves are rounded to even.",
};

/// The least divisor, up or down.
const LEAST_DIVISOR: f64 = 0.001;

fn build(parameters: &Parameters) -> Result<Arc<dyn Operation>, ParameterError> {
    Ok(Arc::new(convolution(parameters)?))
}

fn convolution(parameters: &Parameters) -> Result<Convolution, ParameterError> {
    let width = usize::try_from(parameters.integer("width")?).unwrap_or(0);
    let kernel = Kernel::new(parameters.numbers("kernel")?, width).map_err(|message| {
        let name = if width == 0 { "kernel" } else { "width" };
        ParameterError::new(name, message, vec!["odd x odd numbers".to_owned()])
    })?;
    let given = parameters.number("divisor")?;
    let divisor = match (given, kernel.sum()) {
        (0.0, 0.0) => 1.0,
        (0.0, sum) => sum,
        (given, _) => given,
    };
    if divisor.abs() < LEAST_DIVISOR {
        let (name, message) = match given {
            0.0 => {
                ("kernel", format!("the sum of the kernel, {divisor}, is too little to divide by"))
            }
            _ => ("divisor", format!("divisor must be 0, or at least {LEAST_DIVISOR} up or down")),
        };
        let allowed = vec![
            "0".to_owned(),
            format!("-1000000..=-{LEAST_DIVISOR}"),
            format!("{LEAST_DIVISOR}..=1000000"),
        ];
        return Err(ParameterError::new(name, message, allowed));
    }
    let offset = parameters.number("offset")?;
    let finish = match divisor == 1.0 && offset.fract() == 0.0 {
        true => Finish::Exact(offset as i32),
        false => Finish::Scaled((1.0 / divisor) as f32, offset as f32),
    };
    let identity = kernel.middle_only() == Some(divisor) && offset == 0.0;
    let border = Border::of(parameters.text("border_mode")?);
    Ok(Convolution { plan: kernel.plan(), kernel, finish, identity, border })
}

#[derive(Debug)]
struct Convolution {
    kernel: Kernel,
    plan: Plan,
    finish: Finish,
    /// Whether the result is always the input.
    identity: bool,
    border: Border,
}

impl Operation for Convolution {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        if self.identity { CpuWork::Nothing } else { CpuWork::Rows(self) }
    }

    fn effort(&self, _: Shape) -> f64 {
        (self.plan.taps() as f64 / 5.0).max(1.0)
    }

    fn cuda(&self, input: Shape) -> Option<CudaWork> {
        let (exact, scale, offset) = match self.finish {
            Finish::Exact(offset) => (1, 1.0, offset as f32),
            Finish::Scaled(scale, offset) => (0, scale, offset),
        };
        let whole = self.kernel.is_whole();
        let head = [i32::from(whole).to_le_bytes(), i32::to_le_bytes(exact)];
        let how = [scale.to_le_bytes(), offset.to_le_bytes()];
        let numbers = self.kernel.numbers().iter().map(|number| match whole {
            true => (*number as i32).to_le_bytes(),
            false => (*number as f32).to_le_bytes(),
        });
        let data = head.into_iter().chain(how).chain(numbers).flatten().collect();
        gpu::convolution(input, self.kernel.reach(), self.border.code(), data)
    }
}

impl Rows for Convolution {
    fn reach(&self) -> Reach {
        match self.border {
            Border::Wrap => Reach::Anywhere,
            _ => Reach::Near(self.kernel.reach().1),
        }
    }

    fn render(&self, cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]) {
        self.samples(cpu, input, rows, output);
    }
}
