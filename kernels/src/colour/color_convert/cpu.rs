//! Conversions on the CPU.

use super::{ColorConvert, Space, Way};
use crate::colour::grayscale;
use crate::colour::spaces::block::{BLOCK, Block};
use crate::convert::interleaved;
use crate::convert::planar::Planar;
use crate::convert::planes;
use crate::simd::Level;
use crate::{Cpu, Image, PixelFormat, Pointwise, Whole, WorkError};

impl Pointwise for ColorConvert {
    fn pixels(&self, level: Level, input: PixelFormat, from: &[u8], to: &mut [u8]) {
        let Some(Way::Interleaved(source, target)) = self.way(input) else { return };
        if (source, target, input) == (Space::Rgb, Space::Gray, PixelFormat::Rgb8) {
            return grayscale::bt601(level, from, to);
        }
        if let (Space::Rgb, Space::Bgr, PixelFormat::Rgb8)
        | (Space::Bgr, Space::Rgb, PixelFormat::Rgb8) = (source, target, input)
        {
            return interleaved::swap_ends(level, from, to);
        }
        let channels_in = input.channels();
        let channels_out = match target {
            Space::Gray => 1,
            _ => channels_in.max(3),
        };
        let mut block = Block::new();
        let blocks = from.chunks(BLOCK * channels_in).zip(to.chunks_mut(BLOCK * channels_out));
        for (from, to) in blocks {
            block.split(level, channels_in, from);
            source.to_rgb(level, &self.interleaved, &mut block);
            target.of_rgb(level, &self.interleaved, &mut block);
            block.join(level, channels_out, to);
        }
    }
}

impl Whole for ColorConvert {
    fn run(&self, cpu: &Cpu, input: &Image) -> Result<Image, WorkError> {
        let made = match self.way(input.format()) {
            Some(Way::FromPlanar(Space::Gray)) => Planar::of(input).gray(cpu, &self.gray),
            Some(Way::FromPlanar(to)) => {
                Planar::of(input).read(cpu, &self.planar, to, &self.interleaved)
            }
            Some(Way::Planar(to)) => planes::rearrange(cpu, &Planar::of(input), to),
            Some(Way::ToPlanar(from, to)) => {
                planes::write(cpu, input, (from, &self.interleaved), to, &self.planar)
            }
            Some(Way::Interleaved(..)) | None => Ok(input.clone()),
        };
        Ok(made?)
    }
}
