//! Quarter turns against pixels moved one by one.

use proptest::prelude::*;

use super::Rotate;
use crate::border::Border;
use crate::geometry::warp::{Filter, Sampling};
use crate::simd::Level;
use crate::test_images::{any_image, packed, run};
use crate::{Cpu, Operation as _, PixelFormat, Pool, Shape, Size};

fn rotate(angle: f64, expand: bool) -> Rotate {
    let sampling =
        Sampling { filter: Filter::Nearest, border: Border::Constant, color: [0, 0, 0, 255] };
    Rotate { angle, expand, sampling }
}

proptest! {
    #[test]
    fn every_level_moves_each_pixel_and_four_turns_change_nothing(image in any_image(150)) {
        let (width, height) = (image.size().width(), image.size().height());
        let channels = image.format().channels();
        let mut clockwise = Vec::new();
        for y in 0..width {
            for x in 0..height {
                clockwise.extend(&image.row(height - 1 - x)[y * channels..(y + 1) * channels]);
            }
        }
        for level in Level::all() {
            let cpu = Cpu::new(Pool::new(1 << 20)).with_level(level);
            let once = run(&rotate(90.0, true), &cpu, &image);
            prop_assert_eq!(packed(&once), &clockwise[..], "{}", level.name());
            let back = run(&rotate(270.0, true), &cpu, &once);
            let before = image.to_packed(cpu.pool());
            prop_assert_eq!(packed(&back), before.data(), "{}", level.name());
            let half = run(&rotate(90.0, true), &cpu, &once);
            prop_assert_eq!(&half, &run(&rotate(180.0, true), &cpu, &image), "{}", level.name());
        }
    }
}

#[test]
fn only_what_may_expand_changes_its_size() {
    let shape = Shape::new(Size::new(30, 20).unwrap(), PixelFormat::Rgb8);
    let side = |angle, expand| {
        let size = rotate(angle, expand).output(shape).unwrap().size;
        (size.width(), size.height())
    };
    assert_eq!(side(90.0, true), (20, 30));
    assert_eq!(side(90.0, false), (30, 20));
    assert_eq!(side(180.0, true), (30, 20));
    assert_eq!(side(45.0, false), (30, 20));
    let (width, height) = side(45.0, true);
    assert!((35..38).contains(&width) && (35..38).contains(&height), "{width}x{height}");
}

#[test]
fn what_would_become_too_large_is_refused() {
    let shape = Shape::new(Size::new(16000, 16000).unwrap(), PixelFormat::Gray8);
    let refusal = rotate(45.0, true).output(shape).unwrap_err();
    assert_eq!((refusal.parameter, refusal.allowed), (Some("expand"), vec!["false".to_owned()]));
    assert!(rotate(45.0, false).output(shape).is_ok());
}
