//! What is refused, and what the answer says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use ocelli_kernels::{Catalog, Chain, ChainError, PixelFormat, Shape, Size};

type Given<'a> = &'a [(&'a str, &'a str)];

fn parse(steps: &[(&str, Given<'_>)]) -> Result<Chain, ChainError> {
    let owned: Vec<(&str, BTreeMap<String, String>)> = steps
        .iter()
        .map(|(id, given)| {
            let given = given.iter().map(|(key, value)| (key.to_string(), value.to_string()));
            (*id, given.collect())
        })
        .collect();
    Chain::parse(&Catalog::standard(), owned.iter().map(|(id, given)| (*id, given)))
}

#[track_caller]
fn refused(id: &str, given: Given<'_>, parameter: Option<&str>, says: &str, allowed: &[&str]) {
    let error = parse(&[("grayscale", &[]), (id, given)]).unwrap_err();
    assert_eq!(error.step, 1);
    assert_eq!(error.parameter.as_deref(), parameter);
    assert!(error.message.contains(says), "{}", error.message);
    assert_eq!(error.allowed, allowed);
}

#[test]
fn an_unknown_filter_lists_the_known_ones() {
    let catalog = Catalog::standard();
    let known: Vec<&str> = catalog.definitions().map(|known| known.id).collect();
    assert!(known.contains(&"blur"));
    refused("sharpest", &[], None, "\"sharpest\"", &known);
}

#[test]
fn an_unknown_parameter_lists_the_known_ones() {
    let known = ["kernel_size", "sigma", "border_mode", "separable"];
    refused("blur", &[("radius", "3")], Some("radius"), "no parameter \"radius\"", &known);
}

#[test]
fn kernel_sizes_are_odd_and_in_range() {
    let allowed = ["1..=255 step 2"];
    let kernel_size = Some("kernel_size");
    refused("blur", &[("kernel_size", "4")], kernel_size, "must be odd", &allowed);
    refused("blur", &[("kernel_size", "257")], kernel_size, "from 1 to 255", &allowed);
    refused("blur", &[("kernel_size", "-1")], kernel_size, "from 1 to 255", &allowed);
    refused("blur", &[("kernel_size", "3.0")], kernel_size, "whole number", &allowed);
    refused("blur", &[("kernel_size", "")], kernel_size, "whole number", &allowed);
    refused("blur", &[("kernel_size", "9223372036854775808")], kernel_size, "whole", &allowed);
}

#[test]
fn a_large_blur_is_not_done_in_one_pass() {
    let given = [("kernel_size", "33"), ("separable", "false")];
    refused("blur", &given, Some("separable"), "at most 31", &["true"]);
    assert!(parse(&[("blur", &[("kernel_size", "31"), ("separable", "false")])]).is_ok());
    assert!(parse(&[("blur", &[("kernel_size", "33")])]).is_ok());
}

#[test]
fn sigma_is_a_finite_number_in_range() {
    for text in ["NaN", "inf", "-inf", "wide", "1,5"] {
        refused("blur", &[("sigma", text)], Some("sigma"), "finite number", &["0..=100"]);
    }
    refused("blur", &[("sigma", "100.5")], Some("sigma"), "from 0 to 100", &["0..=100"]);
    refused("blur", &[("sigma", "-0.1")], Some("sigma"), "from 0 to 100", &["0..=100"]);
    assert!(parse(&[("blur", &[("sigma", "0.05")])]).is_ok());
}

#[test]
fn lists_and_switches_take_only_their_words() {
    let borders = ["clamp", "replicate", "reflect", "reflect_101", "wrap", "constant"];
    refused("blur", &[("border_mode", "mirror")], Some("border_mode"), "mirror", &borders);
    refused(
        "blur",
        &[("separable", "yes")],
        Some("separable"),
        "true or false",
        &["true", "false"],
    );
    let algorithms = ["bt601", "bt709", "average", "lightness", "luminosity"];
    refused("grayscale", &[("algorithm", "BT601")], Some("algorithm"), "bt709", &algorithms);
}

#[test]
fn a_chain_knows_its_steps_and_its_result() {
    let chain = parse(&[("blur", &[("kernel_size", " 7 ")]), ("grayscale", &[])]).unwrap();
    assert_eq!(chain.ids().collect::<Vec<_>>(), ["blur", "grayscale"]);
    assert_eq!((chain.len(), chain.is_empty(), chain.runs_on_cuda()), (2, false, true));
    let output = |format| {
        let shape = Shape::new(Size::new(9, 7).unwrap(), format);
        chain.output(shape).unwrap().format
    };
    assert_eq!(output(PixelFormat::Rgb8), PixelFormat::Gray8);
    assert_eq!(output(PixelFormat::Rgba8), PixelFormat::Rgba8);
    assert!(parse(&[]).unwrap().is_empty());
}

#[test]
fn every_default_is_allowed() {
    let catalog = Catalog::standard();
    for definition in catalog.definitions() {
        for parameter in definition.parameters {
            let text = parameter.kind.default_text();
            let given: Given<'_> = &[(parameter.id, &text)];
            assert!(parse(&[(definition.id, given)]).is_ok(), "{} {text}", parameter.id);
        }
    }
}

#[test]
fn chains_are_equal_if_they_do_the_same() {
    let chain = |steps: &[(&str, Given<'_>)]| parse(steps).unwrap();
    let soft = chain(&[("blur", &[("sigma", "2")]), ("grayscale", &[])]);
    // A default that is given, and another way to write a number, change nothing.
    let same = chain(&[("blur", &[("sigma", "2.0"), ("kernel_size", "5")]), ("grayscale", &[])]);
    assert!(soft == same);
    assert!(soft == soft.clone());
    assert!(Chain::default() == chain(&[]));
    for other in [
        chain(&[("blur", &[("sigma", "3")]), ("grayscale", &[])]),
        chain(&[("grayscale", &[]), ("blur", &[("sigma", "2")])]),
        chain(&[("blur", &[("sigma", "2")])]),
        chain(&[("blur", &[("sigma", "2")]), ("invert", &[])]),
        Chain::default(),
    ] {
        assert!(soft != other, "{other:?}");
    }
}
