//! Against `resize` and bars around it.

use proptest::prelude::*;

use super::Letterbox;
use crate::geometry::letterbox::fit::Fit;
use crate::geometry::resize::{Filter, Prepared, resized};
use crate::test_images::{any_image, packed, run};
use crate::{Cpu, Pool, Size};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn it_is_the_resized_image_and_bars(
        image in any_image(40),
        (width, height) in (1..70_u32, 1..70_u32),
        centred: bool,
        filter in proptest::sample::select(Filter::NAMES.to_vec()).prop_map(Filter::of),
    ) {
        let outer = Size::new(width, height).unwrap();
        prop_assume!(outer != image.size());
        let cpu = Cpu::new(Pool::new(1 << 20));
        let letterbox = Letterbox {
            outer,
            centred,
            color: [9, 9, 9, 5],
            filter,
            prepared: Prepared::default(),
        };
        let result = run(&letterbox, &cpu, &image);
        let fit = Fit::new(image.size(), outer, centred);
        let inner = resized(&cpu, filter, &image, fit.inner);
        let channels = image.format().channels();
        let mut expected = [9, 9, 9, 5][..channels].repeat(outer.pixels());
        for (y, row) in inner.rows().enumerate() {
            let start = ((fit.top + y) * outer.width() + fit.left) * channels;
            expected[start..start + row.len()].copy_from_slice(row);
        }
        prop_assert_eq!(packed(&result), &expected[..]);
    }
}
