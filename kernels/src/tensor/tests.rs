//! Tensors at the end of chains.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::test_images::filled;
use crate::{
    Backend as _, Catalog, Chain, ChainError, CpuBackend, Element, Family, ImageError, Parameters,
    PixelFormat, Pool, Shape, Size, Tensor, TensorShape,
};

fn chain(ids: &[&str]) -> Result<Chain, ChainError> {
    let nothing = BTreeMap::new();
    Chain::parse(&Catalog::standard(), ids.iter().map(|id| (*id, &nothing)))
}

#[test]
fn the_image_that_a_tensor_was_made_of_comes_with_it() {
    let image = filled(PixelFormat::Rgb8, 5, 3, 9);
    let chain = chain(&["invert", "histogram"]).unwrap();
    let output = CpuBackend::new(Pool::new(0)).run(&chain, image.clone()).unwrap();
    assert_eq!(output.image, filled(PixelFormat::Rgb8, 5, 3, 246));
    assert_eq!(output.steps.len(), 2);
    let tensor = output.tensor.unwrap();
    assert_eq!(chain.tensor(image.shape()).unwrap().as_ref(), Some(tensor.shape()));
    assert_eq!(chain.output(image.shape()).unwrap(), image.shape());
    let counts: Vec<u32> =
        tensor.data().as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
    let expected = |at: usize| if at % 256 == 246 { 15 } else { 0 };
    assert!(counts.iter().enumerate().all(|(at, count)| *count == expected(at)), "{counts:?}");
}

#[test]
fn nothing_comes_after_a_tensor() {
    let error = chain(&["invert", "histogram", "invert"]).unwrap_err();
    assert_eq!((error.step, error.parameter.as_deref()), (1, None));
    assert!(error.message.contains("last step"), "{error}");
    assert!(chain(&["histogram", "normalize_to_tensor"]).is_err());
    assert!(chain(&["invert", "normalize_to_tensor"]).is_ok());
}

/// By which a chain knows where it ends.
#[test]
fn this_family_makes_tensors_and_no_other_does() {
    let shape = Shape::new(Size::new(64, 64).unwrap(), PixelFormat::Rgb8);
    let catalog = Catalog::standard();
    for definition in catalog.definitions() {
        let entry = catalog.get(definition.id).unwrap();
        // Some have a parameter that has to be given.
        let parameters = Parameters::parse(definition, &BTreeMap::new()).unwrap();
        let Ok(operation) = (entry.build)(&parameters) else { continue };
        let makes = operation.tensor(shape).is_some();
        assert_eq!(makes, definition.family == Family::Tensor, "{}", definition.id);
    }
}

#[test]
fn a_tensor_has_as_many_bytes_as_its_shape_says() {
    let shape = TensorShape::new(Element::F16, &[1, 2, 3, 4], "nchw");
    assert_eq!((shape.elements(), shape.bytes()), (24, 48));
    let error = Tensor::new(shape.clone(), Bytes::from(vec![0; 47])).unwrap_err();
    assert_eq!(error, ImageError::Length { is: 47, must: 48 });
    assert!(Tensor::new(shape, Bytes::from(vec![0; 48])).is_ok());
}
