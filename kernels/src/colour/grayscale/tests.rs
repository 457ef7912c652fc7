//! Against the definition of each algorithm.

use proptest::prelude::*;

use super::weights::{NAMES, Rule};
use crate::cpu::Cpu;
use crate::simd::Level;
use crate::test_images::{any_image, packed, run};
use crate::{PixelFormat, Pool};

fn reference(name: &str, red: u8, green: u8, blue: u8) -> u8 {
    let [r, g, b] = [red, green, blue].map(u64::from);
    let weigh = |weights: [u64; 3]| {
        let [x, y, z] = weights;
        ((r * x + g * y + b * z) * 2 + (1 << 15)) / (1 << 16)
    };
    let grey = match name {
        "bt601" => weigh([9798, 19235, 3735]),
        "bt709" => weigh([6966, 23436, 2366]),
        "luminosity" => weigh([6881, 23593, 2294]),
        "average" => (r + g + b + 1) / 3,
        _ => (r.max(g).max(b) + r.min(g).min(b)).div_ceil(2),
    };
    grey as u8
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_level_gives_the_exact_result(
        image in any_image(90),
        name in proptest::sample::select(NAMES.to_vec()),
    ) {
        let pool = Pool::new(1 << 20);
        for level in Level::all() {
            if image.format() == PixelFormat::Gray8 {
                continue;
            }
            let grey = super::Grayscale { rule: Rule::of(name) };
            let result = run(&grey, &Cpu::new(pool.clone()).with_level(level), &image);
            let expected: Vec<u8> = image
                .rows()
                .flat_map(|row| row.chunks_exact(image.format().channels()))
                .flat_map(|pixel| match *pixel {
                    [r, g, b, alpha] => {
                        let grey = reference(name, r, g, b);
                        vec![grey, grey, grey, alpha]
                    }
                    [r, g, b] => vec![reference(name, r, g, b)],
                    _ => Vec::new(),
                })
                .collect();
            prop_assert_eq!(packed(&result), &expected[..], "{} {}", name, level.name());
        }
    }
}

/// The weights in integers are the published ones, as near as 15 bits come.
#[test]
fn no_colour_is_off_by_more_than_rounding() {
    let published = [
        ("bt601", [0.299, 0.587, 0.114]),
        ("bt709", [0.2126, 0.7152, 0.0722]),
        ("luminosity", [0.21, 0.72, 0.07]),
    ];
    for (name, [x, y, z]) in published {
        for step in 0..52_u32.pow(3) {
            let [r, g, b] = [step % 52, step / 52 % 52, step / 2704].map(|part| part as u8 * 5);
            let exact = f64::from(r) * x + f64::from(g) * y + f64::from(b) * z;
            let off = (f64::from(reference(name, r, g, b)) - exact).abs();
            assert!(off < 0.52, "{name} of {r} {g} {b} is off by {off}");
        }
    }
}
