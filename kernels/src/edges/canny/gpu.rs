//! Canny on a GPU: five kernels, each of which ends after as many steps as there are pixels at
//! most, whatever the image.

use super::Canny;
use crate::Shape;
use crate::cuda::{Argument, CudaProgram, Launch};
use crate::edges::derivative::{BLOCK, CUDA, TILE, grid, int};

/// The launches for images of that shape.
pub(super) fn program(canny: &Canny, input: Shape) -> Option<CudaProgram> {
    let (width, height) = (int(input.size.width())?, int(input.size.height())?);
    let (channels, radius) = (input.format.channels(), canny.kernels.radius());
    let tile = (TILE.0 + 2 * radius) * (TILE.1 + 2 * radius) * channels;
    let (low, high) = canny.thresholds;
    let int_of = Argument::Int;
    let (slopes, roots, strong) =
        (Argument::Scratch(0), Argument::Scratch(1), Argument::Scratch(2));
    let launch = |kernel: &'static str, shared_bytes: usize, arguments: Vec<Argument>| {
        let shared_bytes = u32::try_from(shared_bytes).ok()?;
        Some(Launch {
            source: &CUDA,
            kernel,
            grid: grid(input)?,
            block: BLOCK,
            shared_bytes,
            arguments,
        })
    };
    let size = || [width.clone(), height.clone()];
    let launches = vec![
        launch(
            "edges_canny_gradient",
            tile,
            [Argument::Input, slopes.clone()]
                .into_iter()
                .chain(size())
                .chain([
                    int(channels)?,
                    int(radius)?,
                    int_of(canny.squared.into()),
                    Argument::Data(0),
                ])
                .collect(),
        )?,
        launch(
            "edges_canny_thin",
            0,
            [slopes, roots.clone(), strong.clone()]
                .into_iter()
                .chain(size())
                .chain([int_of(low), int_of(high)])
                .collect(),
        )?,
        launch("edges_canny_join", 0, [roots.clone()].into_iter().chain(size()).collect())?,
        launch(
            "edges_canny_mark",
            0,
            [roots.clone(), strong.clone()].into_iter().chain(size()).collect(),
        )?,
        launch(
            "edges_canny_draw",
            0,
            [roots, strong, Argument::Output].into_iter().chain(size()).collect(),
        )?,
    ];
    let numbers = input.size.pixels() * size_of::<i32>();
    let data = canny.kernels.taps().into_iter().flat_map(i16::to_le_bytes).collect();
    Some(CudaProgram { scratch: vec![numbers; 3], data: vec![data], launches })
}
