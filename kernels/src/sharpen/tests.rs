//! What is sharpened is compared with a blur of its own.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::border;
use crate::test_images::{any_image, filled};
use crate::{Backend as _, Catalog, Chain, CpuBackend, Image, PixelFormat, Pool};

fn run(filter: &str, given: &[(&str, &str)], level: &str, image: &Image) -> Image {
    let given: BTreeMap<String, String> =
        given.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    let chain = Chain::parse(&Catalog::standard(), [(filter, &given)]).unwrap();
    let mut backend = CpuBackend::new(Pool::new(1 << 20)).with_level(level).unwrap();
    backend.run(&chain, image.clone()).unwrap().image.to_packed(&Pool::new(0))
}

/// `compare` makes a sample of one of the image and one of the blurred image; alpha stays.
fn reference(image: &Image, blurred: &Image, compare: impl Fn(i64, i64) -> i64) -> Vec<u8> {
    let alpha = image.format() == PixelFormat::Rgba8;
    let samples = image.rows().flatten().zip(blurred.rows().flatten()).enumerate();
    let each = |(at, (own, blurred)): (usize, (&u8, &u8))| match alpha && at % 4 == 3 {
        true => *own,
        false => compare((*own).into(), (*blurred).into()).clamp(0, 255) as u8,
    };
    samples.map(each).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn every_level_gives_the_exact_result(
        image in any_image(80),
        border in proptest::sample::select(border::NAMES.to_vec()),
        taps in (0..5_usize).prop_map(|radius| (2 * radius + 1).to_string()),
        amount in 0..=200_i64,
        threshold in prop_oneof![Just(0_i64), 0..=255_i64],
    ) {
        let blur = [("kernel_size", taps.as_str()), ("border_mode", border)];
        let blurred = run("blur", &blur, CpuBackend::levels()[0], &image);
        // Twentieths, so that 11 bits do not always hold them.
        let bits = (amount as f64 / 20.0 * 2048.0).round() as i64;
        let sharp = reference(&image, &blurred, |own, blurred| {
            let difference = own - blurred;
            let added = ((difference * bits) as f64 / 2048.0 + 0.5).floor() as i64;
            if difference.abs() > threshold { own + added } else { own }
        });
        let grey = reference(&image, &blurred, |own, blurred| own - blurred + 128);
        let (amount, threshold) = ((amount as f64 / 20.0).to_string(), threshold.to_string());
        let given = [blur[0], blur[1], ("amount", &amount), ("threshold", &threshold)];
        for level in CpuBackend::levels() {
            let result = run("unsharp_mask", &given, level, &image);
            prop_assert_eq!(result.data(), &sharp[..], "{}", level);
            let result = run("high_pass", &blur, level, &image);
            prop_assert_eq!(result.data(), &grey[..], "{}", level);
        }
    }
}

#[test]
fn what_has_no_detail_stays_and_no_amount_changes_nothing() {
    let level = CpuBackend::levels()[0];
    for sample in [0, 77, 255] {
        let flat = filled(PixelFormat::Rgb8, 20, 30, sample);
        assert_eq!(run("unsharp_mask", &[("amount", "10")], level, &flat), flat);
        let grey = filled(PixelFormat::Rgb8, 20, 30, 128);
        assert_eq!(run("high_pass", &[], level, &flat), grey);
    }
}
