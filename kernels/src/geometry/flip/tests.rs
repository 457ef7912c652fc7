//! Against pixels moved one by one.

use proptest::prelude::*;

use super::Flip;
use crate::simd::Level;
use crate::test_images::{any_image, packed, run};
use crate::{Cpu, Pool};

proptest! {
    #[test]
    fn every_level_moves_each_pixel(image in any_image(150), across: bool, down: bool) {
        let (width, height) = (image.size().width(), image.size().height());
        let channels = image.format().channels();
        let mut expected = Vec::new();
        for y in 0..height {
            let row = image.row(if down { height - 1 - y } else { y });
            for x in 0..width {
                let x = if across { width - 1 - x } else { x };
                expected.extend(&row[x * channels..(x + 1) * channels]);
            }
        }
        let flip = Flip { across, down };
        for level in Level::all() {
            let cpu = Cpu::new(Pool::new(1 << 20)).with_level(level);
            let once = run(&flip, &cpu, &image);
            prop_assert_eq!(packed(&once), &expected[..], "{}", level.name());
            let twice = run(&flip, &cpu, &once);
            let before = image.to_packed(cpu.pool());
            prop_assert_eq!(packed(&twice), before.data());
        }
    }
}
