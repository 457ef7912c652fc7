//! Against rows cut by hand.

use proptest::prelude::*;

use super::Crop;
use crate::test_images::{any_image, filled, packed, run};
use crate::{Cpu, Operation as _, PixelFormat, Pool, Shape, Size};

proptest! {
    #[test]
    fn it_is_the_rectangle(image in any_image(40), corner in (0..40_usize, 0..40_usize)) {
        let (width, height) = (image.size().width(), image.size().height());
        let (x, y) = (corner.0 % width, corner.1 % height);
        let keep = ((width - x).div_ceil(2), (height - y).div_ceil(3));
        let crop = Crop { x, y, width: keep.0, height: keep.1 };
        let result = run(&crop, &Cpu::new(Pool::new(1 << 20)), &image);
        let channels = image.format().channels();
        let columns = x * channels..(x + keep.0) * channels;
        let rows = image.rows().skip(y).take(keep.1);
        let expected: Vec<u8> = rows.flat_map(|row| row[columns.clone()].to_vec()).collect();
        // All of the image is returned as it is, with its padding.
        if keep == (width, height) {
            prop_assert_eq!(&result, &image);
        } else {
            prop_assert_eq!(packed(&result), &expected[..]);
        }
    }
}

fn refused(crop: &Crop, format: PixelFormat) -> (Option<&'static str>, Vec<String>) {
    let refusal = crop.output(Shape::new(Size::new(20, 10).unwrap(), format)).unwrap_err();
    (refusal.parameter, refusal.allowed)
}

#[test]
fn what_lies_outside_is_refused_with_what_is_allowed() {
    let crop = |x, y, width, height| Crop { x, y, width, height };
    let gray = PixelFormat::Gray8;
    assert_eq!(refused(&crop(20, 0, 0, 0), gray), (Some("x"), vec!["0..=19".to_owned()]));
    assert_eq!(refused(&crop(0, 10, 0, 0), gray), (Some("y"), vec!["0..=9".to_owned()]));
    assert_eq!(refused(&crop(15, 0, 6, 0), gray), (Some("width"), vec!["0..=5".to_owned()]));
    assert_eq!(refused(&crop(0, 9, 0, 2), gray), (Some("height"), vec!["0..=1".to_owned()]));
    let odd = refused(&crop(3, 0, 4, 4), PixelFormat::Nv12);
    assert_eq!(odd, (Some("x"), vec!["0..=18 step 2".to_owned()]));
}

#[test]
fn zero_keeps_all_to_the_edge() {
    let image = filled(PixelFormat::Rgb8, 9, 7, 3);
    let crop = Crop { x: 4, y: 5, width: 0, height: 0 };
    let result = run(&crop, &Cpu::new(Pool::new(1 << 20)), &image);
    assert_eq!((result.size().width(), result.size().height()), (5, 2));
}
