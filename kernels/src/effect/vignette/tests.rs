//! Against the formula, in 64-bit floats.

use proptest::prelude::*;

use super::Vignette;
use crate::cpu::Cpu;
use crate::simd::Level;
use crate::test_images::{any_image, filled, packed, run};
use crate::{CpuWork, Operation as _, PixelFormat, Pool};

fn vignette(strength: f64, radius: f64, softness: f64) -> Vignette {
    let (start, end) = (radius * radius, (radius + softness).powi(2));
    Vignette { start: start as f32, slope: (1.0 / (end - start)) as f32, strength: strength as f32 }
}

proptest! {
    #[test]
    fn it_is_the_formula_on_every_level(
        image in any_image(70),
        strength in 0.01..=1.0_f64,
        radius in 0.0..=1.0_f64,
        softness in 0.05..=1.0_f64,
    ) {
        let (width, height) = (image.size().width(), image.size().height());
        let channels = image.format().channels();
        let of = vignette(strength, radius, softness);
        let mut first: Option<Vec<u8>> = None;
        for level in Level::all() {
            let result = run(&of, &Cpu::new(Pool::new(1 << 20)).with_level(level), &image);
            let first = first.get_or_insert_with(|| packed(&result).to_vec());
            prop_assert_eq!(packed(&result), &first[..], "{}", level.name());
        }
        let first = first.unwrap();
        for y in 0..height {
            for (at, sample) in image.row(y).iter().enumerate() {
                let x = at / channels;
                let (dx, dy) = (2 * x + 1, 2 * y + 1);
                let (dx, dy) = (dx as f64 - width as f64, dy as f64 - height as f64);
                let whole = (width * width + height * height) as f64;
                let t = (dx * dx + dy * dy) / whole;
                let span = (radius + softness).powi(2) - radius * radius;
                let s = ((t - radius * radius) / span).clamp(0.0, 1.0);
                let mask = 1.0 - strength * s * s * (3.0 - 2.0 * s);
                let alpha = channels == 4 && at % 4 == 3;
                let expected = if alpha { 1.0 } else { mask } * f64::from(*sample);
                let is = f64::from(first[y * width * channels + at]);
                prop_assert!((is - expected).abs() < 0.52, "{} {}: {} {}", x, y, is, expected);
            }
        }
    }
}

#[test]
fn no_strength_is_no_work_and_the_centre_stays() {
    let image = filled(PixelFormat::Rgb8, 31, 21, 200);
    assert!(matches!(vignette(0.0, 0.4, 0.6).cpu(image.shape()), CpuWork::Nothing));
    let result = run(&vignette(1.0, 0.5, 0.5), &Cpu::new(Pool::new(0)), &image);
    assert_eq!(result.row(10)[3 * 15], 200);
    assert!(result.row(0)[0] < 20, "the corner is dark");
}
