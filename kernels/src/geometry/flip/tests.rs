//! Against pixels moved one by one.

use proptest::prelude::*;

use super::{Flip, reverse};
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

#[test]
fn every_level_reverses_rows_of_any_length_at_any_place() {
    let from: Vec<u8> = (0..=255).cycle().take(600).collect();
    let mut memory = vec![0; 700];
    for level in Level::all() {
        for channels in 1..=4 {
            for (start, pixels) in (0..64).flat_map(|start| (0..130).map(move |len| (start, len))) {
                let source = &from[start..start + pixels * channels];
                let expected: Vec<u8> = source.rchunks(channels).flatten().copied().collect();
                memory.fill(0);
                let to = &mut memory[start..start + source.len()];
                reverse::pixels(level, channels, source, to);
                assert_eq!(to, expected, "{} {channels} {start} {pixels}", level.name());
                assert!(memory[start + source.len()..].iter().all(|byte| *byte == 0));
            }
        }
    }
}
