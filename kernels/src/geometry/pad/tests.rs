//! Against the pixel that stands at each place.

use proptest::prelude::*;

use super::Pad;
use crate::border::{self, Border};
use crate::simd::Level;
use crate::test_images::{any_image, packed, run};
use crate::{Cpu, Operation as _, PixelFormat, Pool, Shape, Size};

proptest! {
    #[test]
    fn each_pixel_is_the_one_that_the_border_says(
        image in any_image(20),
        (top, bottom, left, right) in (0..30_usize, 0..30_usize, 0..30_usize, 1..30_usize),
        border in proptest::sample::select(border::NAMES.to_vec()).prop_map(Border::of),
    ) {
        let pad = Pad { top, bottom, left, right, border, color: [7, 7, 7, 9] };
        let (width, height) = (image.size().width(), image.size().height());
        let channels = image.format().channels();
        let mut expected = Vec::new();
        for y in 0..top + height + bottom {
            for x in 0..left + width + right {
                let x = border.index(x as isize - left as isize, width);
                let y = border.index(y as isize - top as isize, height);
                match x.zip(y) {
                    Some((x, y)) => {
                        expected.extend(&image.row(y)[x * channels..(x + 1) * channels]);
                    }
                    None => expected.extend(&[7, 7, 7, 9][..channels]),
                }
            }
        }
        for level in Level::all() {
            let cpu = Cpu::new(Pool::new(1 << 20)).with_level(level);
            let result = run(&pad, &cpu, &image);
            prop_assert_eq!(packed(&result), &expected[..], "{}", level.name());
        }
    }
}

#[test]
fn a_frame_that_makes_the_image_too_large_is_refused() {
    let pad =
        Pad { top: 0, bottom: 0, left: 16000, right: 10, border: Border::Wrap, color: [0; 4] };
    let shape = Shape::new(Size::new(500, 5).unwrap(), PixelFormat::Rgb8);
    let refusal = pad.output(shape).unwrap_err();
    assert_eq!(refusal.parameter, Some("left"));
    assert_eq!(refusal.allowed, ["together 0..=15884"]);
}
