//! Against the filters that resize, and the formula in double precision.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::half::half;
use super::*;
use crate::simd::Level;
use crate::test_images::{any_image, any_planar_image};
use crate::{Backend as _, Catalog, Chain, CpuBackend, Pool};

type Given = Vec<(&'static str, String)>;

fn filter(id: &str, given: &[(&str, String)], image: &Image) -> crate::Output {
    let given: BTreeMap<String, String> =
        given.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    let chain = Chain::parse(&Catalog::standard(), [(id, &given)]).unwrap();
    CpuBackend::new(Pool::new(0)).run(&chain, image.clone()).unwrap()
}

/// The image as the other filters make it.
fn fitted(given: &Given, image: &Image) -> Image {
    let of = |key: &str| given.iter().find(|(id, _)| *id == key).map(|(_, value)| value.clone());
    let (width, height) = (of("width").unwrap(), of("height").unwrap());
    let resized = |width: String, height: String| {
        let given = [("width", width), ("height", height), ("filter", of("filter").unwrap())];
        filter("resize", &given, image).image
    };
    match of("fit").unwrap().as_str() {
        "letterbox" => {
            let given = [
                ("width", width),
                ("height", height),
                ("filter", of("filter").unwrap()),
                ("color", of("color").unwrap()),
            ];
            filter("letterbox", &given, image).image
        }
        "center_crop" => {
            let input = Size::new(width.parse().unwrap(), height.parse().unwrap()).unwrap();
            let mapping = Mapping::new(Fit::CenterCrop, image.size(), input).unwrap();
            let inner = mapping.inner();
            let all = resized(inner.width().to_string(), inner.height().to_string());
            let (left, top) = mapping.offset();
            let given = [
                ("x", (-left).to_string()),
                ("y", (-top).to_string()),
                ("width", width),
                ("height", height),
            ];
            filter("crop", &given, &all).image
        }
        _ => resized(width, height),
    }
}

fn any_given() -> impl Strategy<Value = Given> {
    let one_of = |list: &[&'static str]| proptest::sample::select(list.to_vec());
    (
        (1..40_u32, 1..40_u32),
        one_of(&["stretch", "letterbox", "center_crop"]),
        one_of(&["bilinear", "nearest"]),
        one_of(&["nchw", "nhwc"]),
        one_of(&["f32", "f16", "u8"]),
        one_of(&["rgb", "bgr"]),
    )
        .prop_map(|(size, fit, filter, layout, element, order)| {
            let text = |value: &str| value.to_owned();
            let mut given = vec![
                ("width", size.0.to_string()),
                ("height", size.1.to_string()),
                ("fit", text(fit)),
                ("filter", text(filter)),
                ("layout", text(layout)),
                ("element", text(element)),
                ("channel_order", text(order)),
                ("color", text("#306090")),
            ];
            if element != "u8" {
                given.push(("mean", text("0.4")));
                given.push(("std", text("0.225")));
            }
            given
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn it_is_the_fitted_image_in_numbers(image in any_image(50), given in any_given()) {
        let is = |key: &str, must: &str| given.iter().any(|(id, value)| *id == key && value == must);
        let fitted = fitted(&given, &image);
        let (size, input) = (fitted.size(), fitted.format().channels());
        let channels = input.min(3);
        let mut expected = Vec::new();
        let mut push = |x: usize, y: usize, place: usize| {
            let channel = if is("channel_order", "bgr") { channels - 1 - place } else { place };
            let sample = fitted.row(y)[x * input + channel];
            let exact = (f64::from(sample) / 255.0 - 0.4) / 0.225;
            expected.push((sample, exact));
        };
        if is("layout", "nchw") {
            for place in 0..channels {
                for y in 0..size.height() {
                    (0..size.width()).for_each(|x| push(x, y, place));
                }
            }
        } else {
            for y in 0..size.height() {
                for x in 0..size.width() {
                    (0..channels).for_each(|place| push(x, y, place));
                }
            }
        }
        let pool = Pool::new(1 << 20);
        let parameters: BTreeMap<String, String> =
            given.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        let parameters = Parameters::parse(&DEFINITION, &parameters).unwrap();
        let operation = build(&parameters).unwrap();
        let shape = operation.tensor(image.shape()).unwrap();
        prop_assert_eq!(shape.elements(), expected.len());
        for level in Level::all() {
            let cpu = Cpu::new(pool.clone()).with_level(level);
            let CpuWork::Tensor(work) = operation.cpu(image.shape()) else { panic!("a tensor") };
            let tensor = work.run(&cpu, &image).unwrap();
            prop_assert_eq!(tensor.shape(), &shape);
            let data = tensor.data();
            match tensor.element() {
                Element::U8 => {
                    let samples: Vec<u8> = expected.iter().map(|(sample, _)| *sample).collect();
                    prop_assert_eq!(data, &samples[..], "{}", level.name());
                }
                Element::F16 => for (is, (sample, _)) in data.as_chunks().0.iter().zip(&expected) {
                    let factor = (1.0 / 255.0 / 0.225) as f32;
                    let number = f32::from(*sample) * factor + (-0.4 / 0.225) as f32;
                    prop_assert_eq!(u16::from_le_bytes(*is), half(number), "{}", level.name());
                },
                _ => for (is, (_, exact)) in data.as_chunks().0.iter().zip(&expected) {
                    let off = (f64::from(f32::from_le_bytes(*is)) - exact).abs();
                    prop_assert!(off < 1e-6, "{off} off {exact} {}", level.name());
                },
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn planar_layouts_are_taken_as_the_same_image_in_rgb(
        image in any_planar_image(50),
        given in any_given(),
    ) {
        let pool = Pool::new(1 << 20);
        let rgb = crate::convert::to_format(&image, PixelFormat::Rgb8, &pool).unwrap();
        let parameters = given.iter().map(|(id, value)| ((*id).to_owned(), value.clone())).collect();
        let parameters = Parameters::parse(&DEFINITION, &parameters).unwrap();
        let operation = build(&parameters).unwrap();
        for level in Level::all() {
            let cpu = Cpu::new(pool.clone()).with_level(level);
            let [is, must] = [&image, &rgb].map(|image| {
                let CpuWork::Tensor(work) = operation.cpu(image.shape()) else { panic!("a tensor") };
                work.run(&cpu, image).unwrap()
            });
            prop_assert_eq!(is.shape(), must.shape());
            prop_assert!(is.data() == must.data(), "{}", level.name());
        }
    }
}

fn error(given: &[(&str, &str)]) -> ParameterError {
    let given = given.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    Parameters::parse(&DEFINITION, &given).and_then(|given| build(&given)).unwrap_err()
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let two = error(&[("mean", "1 2")]);
    assert_eq!((two.parameter.as_str(), two.allowed.len()), ("mean", 2));
    let bytes = error(&[("element", "u8"), ("std", "0.2")]);
    assert_eq!(bytes.parameter, "std");
    assert!(bytes.message.contains("u8"), "{bytes}");
    let given = [("mean".to_owned(), "1 2 3".to_owned())].into_iter().collect();
    let operation = build(&Parameters::parse(&DEFINITION, &given).unwrap()).unwrap();
    let gray = Shape::new(Size::new(4, 4).unwrap(), PixelFormat::Gray8);
    assert_eq!(operation.output(gray).unwrap_err().parameter, Some("mean"));
    assert!(operation.output(gray.with_format(PixelFormat::Rgb8)).is_ok());
}
