//! The filters that are tables, against their definitions.

use std::collections::BTreeMap;

use crate::{Catalog, Entry, Operation, ParameterError, Parameters, PixelFormat, Shape, Size};

fn build(
    id: &str,
    given: &[(&str, &str)],
) -> Result<std::sync::Arc<dyn Operation>, ParameterError> {
    let catalog = Catalog::standard();
    let Entry { definition, build } = catalog.get(id).unwrap();
    let given: BTreeMap<String, String> =
        given.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    build(&Parameters::parse(definition, &given)?)
}

/// What becomes of each sample of a grey image.
#[track_caller]
fn list(id: &str, given: &[(&str, &str)]) -> Vec<u8> {
    let operation = build(id, given).unwrap();
    let shape = Shape::new(Size::new(4, 4).unwrap(), PixelFormat::Gray8);
    match operation.cpu(shape) {
        crate::CpuWork::Nothing => (0..=255).collect(),
        crate::CpuWork::Pointwise(work) => work.table().unwrap().lists()[0].to_vec(),
        other => panic!("{other:?}"),
    }
}

fn changes_nothing(id: &str, given: &[(&str, &str)]) -> bool {
    let operation = build(id, given).unwrap();
    let shape = Shape::new(Size::new(4, 4).unwrap(), PixelFormat::Rgba8);
    matches!(operation.cpu(shape), crate::CpuWork::Nothing)
}

#[test]
fn identities() {
    let identity: Vec<String> = (0..=255).map(|value: u8| value.to_string()).collect();
    let identity = identity.join(" ");
    let three = format!("{identity}, {identity}, {identity}");
    for (id, given) in [
        ("brightness_contrast", [("contrast", "1.0")]),
        ("gamma", [("gamma", "1")]),
        ("lut", [("table", "")]),
        ("lut", [("table", identity.as_str())]),
        ("lut", [("table", three.as_str())]),
        ("saturation_hue", [("hue", "0")]),
        ("saturation_hue", [("hue", "360")]),
        ("sepia", [("amount", "0")]),
        ("white_balance", [("strength", "0")]),
        ("color_matrix", [("matrix", "1 0 0 0 0 1 0 0 0 0 1 0")]),
    ] {
        assert!(changes_nothing(id, &given), "{id}");
    }
    for (id, given) in [
        ("brightness_contrast", [("contrast", "1.05")]),
        ("gamma", [("gamma", "1.1")]),
        ("saturation_hue", [("hue", "1")]),
        ("sepia", [("amount", "0.1")]),
        ("white_balance", [("strength", "0.1")]),
    ] {
        assert!(!changes_nothing(id, &given), "{id}");
    }
    assert!(!changes_nothing("invert", &[]));
}

#[test]
fn samples_follow_the_formulas() {
    assert_eq!(list("invert", &[]), (0..=255).rev().collect::<Vec<u8>>());
    let given = [("contrast", "1.5"), ("brightness", "-20")];
    let table = list("brightness_contrast", &given);
    // 30 × 1.5 - 20 = 25; 31 gives 26.5, which rounds to even.
    assert_eq!([table[0], table[30], table[31], table[200]], [0, 25, 26, 255]);
    let table = list("gamma", &[("gamma", "2")]);
    assert_eq!([table[0], table[128], table[255]], [0, 64, 255]);
    let table = list("threshold", &[("threshold", "100"), ("max_value", "7")]);
    assert_eq!([table[100], table[101]], [0, 7]);
}

#[test]
fn tables_of_the_wrong_kind_are_refused() {
    let repeated = |number: &str, times: usize| vec![number; times].join(" ");
    for (table, says) in [
        (repeated("1", 512), "256 or 768 numbers, not 512"),
        (repeated("1", 255), "a multiple of 256 numbers, not 255"),
        (repeated("0.5", 256), "must be whole"),
        (repeated("256", 256), "from 0 to 255"),
    ] {
        let error = build("lut", &[("table", &table)]).unwrap_err();
        assert!(error.message.contains(says), "{}", error.message);
        assert_eq!(error.parameter, "table");
    }
    let of_colours = build("lut", &[("table", &repeated("1", 768))]).unwrap();
    let size = Size::new(2, 2).unwrap();
    let refusal = of_colours.output(Shape::new(size, PixelFormat::Gray8)).unwrap_err();
    assert_eq!(refusal.parameter, Some("table"));
    assert!(of_colours.output(Shape::new(size, PixelFormat::Rgb8)).is_ok());
}
