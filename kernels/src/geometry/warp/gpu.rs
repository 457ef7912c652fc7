//! The GPU half of the warps: one thread for each pixel of the result.

use super::positions::{affine_start, block_width, limit, shift, steps};
use super::{Filter, Map, Sampling, cubic};
use crate::cuda::{Argument, CudaProgram, CudaSource, Launch};
use crate::geometry::{blocks, int, samples_of};
use crate::simd::Level;
use crate::{Shape, Size};

static CUDA: CudaSource =
    CudaSource { name: "warp.cu", text: include_str!("../../../cuda/warp.cu") };

/// Threads in a block.
const BLOCK: (u32, u32) = (32, 8);

pub(super) fn program(
    map: &Map,
    sampling: &Sampling,
    input: Shape,
    output: Size,
) -> Option<CudaProgram> {
    let Sampling { filter, border, color } = *sampling;
    let channels = input.format.channels();
    let color = i32::from_le_bytes(samples_of(color, channels));
    let (kernel, own, data) = match map {
        Map::Affine(_) => {
            ("warp_affine", i32::try_from(shift(filter)).ok()?, affine(map, filter, output))
        }
        Map::Perspective(matrix) => {
            let bytes = matrix.iter().flat_map(|number| number.to_le_bytes()).collect();
            ("warp_perspective", i32::try_from(block_width(output)).ok()?, bytes)
        }
    };
    let table = match filter {
        Filter::Cubic => {
            cubic::table().as_flattened().iter().flat_map(|w| w.to_le_bytes()).collect()
        }
        // An empty buffer is none.
        _ => vec![0; 2],
    };
    let code = match filter {
        Filter::Nearest => 0,
        Filter::Linear => 1,
        Filter::Cubic => 2,
    };
    let launch = Launch {
        source: &CUDA,
        kernel,
        grid: (blocks(output.width(), 32)?, blocks(output.height(), 8)?),
        block: BLOCK,
        shared_bytes: 0,
        arguments: vec![
            Argument::Input,
            Argument::Output,
            int(input.size.width())?,
            int(input.size.height())?,
            int(output.width())?,
            int(output.height())?,
            int(channels)?,
            Argument::Int(code),
            Argument::Int(border.code()),
            Argument::Int(color),
            Argument::Int(own),
            Argument::Int(limit(input.size)),
            Argument::Data(0),
            Argument::Data(1),
        ],
    };
    Some(CudaProgram { scratch: Vec::new(), data: vec![data, table], launches: vec![launch] })
}

/// The numbers that each column adds to x and to y, then the start of each row in x and in y.
fn affine(map: &Map, filter: Filter, output: Size) -> Vec<u8> {
    let Map::Affine([a, _, _, d, ..]) = *map else { return Vec::new() };
    let across = [a, d].into_iter().flat_map(|step| {
        let mut list = vec![0; output.width()];
        steps(Level::best(), step, &mut list);
        list
    });
    let starts = || (0..output.height()).map(|y| affine_start(map, filter, y));
    let down = starts().map(|[x, _]| x).chain(starts().map(|[_, y]| y));
    across.chain(down).flat_map(i32::to_le_bytes).collect()
}
