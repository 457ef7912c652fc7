//! The GPU half of `redact`: copies the image, computes the means of the blocks that the regions
//! need, and draws the regions.

use super::cpu::between;
use super::region::Part;
use super::{Mode, Redact};
use crate::Shape;
use crate::cuda::{Argument, CudaProgram, Launch};
use crate::privacy::{CUDA, copy, pixel};

/// Threads of a block, across and down.
const THREADS: (usize, usize) = (32, 4);

/// The most blocks of threads for a region: each does several tiles if there are more.
const MOST: usize = 1024;

pub(super) fn program(redact: &Redact, input: Shape) -> Option<CudaProgram> {
    let int = |value: usize| i32::try_from(value).ok().map(Argument::Int);
    let mut launches = vec![copy(input)?];
    let parts: Vec<Part> =
        redact.regions.iter().filter_map(|region| region.within(input)).collect();
    let regions = u32::try_from(parts.len()).ok()?;
    if regions == 0 {
        return Some(CudaProgram { scratch: Vec::new(), data: Vec::new(), launches });
    }
    let blocks = redact.blocks(input);
    let needed = |part: &Part| match redact.mode {
        Mode::Blur => [
            between(part.columns.start, blocks.side(), blocks.across()).0,
            between(part.rows.start, blocks.side(), blocks.down()).0,
            between(part.columns.end - 1, blocks.side(), blocks.across()).1 + 1,
            between(part.rows.end - 1, blocks.side(), blocks.down()).1 + 1,
        ],
        _ => [
            part.columns.start / blocks.side(),
            part.rows.start / blocks.side(),
            part.columns.end.div_ceil(blocks.side()),
            part.rows.end.div_ceil(blocks.side()),
        ],
    };
    let mut data = Vec::new();
    let (mut most_blocks, mut most_tiles) = (0, 0);
    for part in &parts {
        let [left, top, right, bottom] = needed(part);
        most_blocks = most_blocks.max((right - left) * (bottom - top));
        let (across, down) =
            (part.columns.len().div_ceil(THREADS.0), part.rows.len().div_ceil(THREADS.1));
        most_tiles = most_tiles.max(across * down);
        let pixels = [part.columns.start, part.rows.start, part.columns.end, part.rows.end];
        for number in pixels.into_iter().chain([left, top, right, bottom]) {
            data.extend_from_slice(&i32::try_from(number).ok()?.to_le_bytes());
        }
    }
    let grid = |count: usize| Some((u32::try_from(count.min(MOST)).ok()?, regions));
    let (width, height) = (int(input.size.width())?, int(input.size.height())?);
    let channels = int(input.format.channels())?;
    let block = (THREADS.0 as u32, THREADS.1 as u32);
    let launch = |kernel, grid, shared_bytes, arguments| Launch {
        source: &CUDA,
        kernel,
        grid,
        block,
        shared_bytes,
        arguments,
    };
    let side = int(blocks.side())?;
    let size = [width, height, channels];
    let mut scratch = Vec::new();
    if redact.mode == Mode::Fill {
        let color = Argument::Int(i32::from_le_bytes(pixel(redact.color, input.format)));
        let arguments = [vec![Argument::Output], size.to_vec(), vec![color, Argument::Data(0)]];
        launches.push(launch("privacy_fill", grid(most_tiles)?, 0, arguments.concat()));
    } else {
        scratch.push(blocks.across() * blocks.down() * input.format.channels());
        let rest = vec![side, Argument::Data(0)];
        let from = vec![Argument::Input, Argument::Scratch(0)];
        let arguments = [from, size.to_vec(), rest.clone()].concat();
        launches.push(launch("privacy_means", grid(most_blocks)?, 16, arguments));
        let to = vec![Argument::Scratch(0), Argument::Output];
        let arguments = [to, size.to_vec(), rest].concat();
        let kernel = if redact.mode == Mode::Blur { "privacy_blur" } else { "privacy_pixelate" };
        launches.push(launch(kernel, grid(most_tiles)?, 0, arguments));
    }
    Some(CudaProgram { scratch, data: vec![data], launches })
}
