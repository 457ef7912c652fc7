//! What backends promise, on this machine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use ocelli_kernels::operation::{Cpu, CpuWork, Operation, Whole, WorkError};
use ocelli_kernels::{
    Accelerator, Backend, BackendError, Catalog, Chain, CpuBackend, Entry, Family,
    FilterDefinition, Image, PixelFormat, Pool, Shape, Size,
};

fn image(width: u32, height: u32, format: PixelFormat, padding: usize) -> Image {
    let size = Size::new(width, height).unwrap();
    let stride = size.width() * format.channels() + padding;
    let noise = (0..stride * size.height()).map(|at| (at * at * 31 + at * 7) as u8);
    Image::new(size, format, stride, Bytes::from_iter(noise)).unwrap()
}

fn chain(catalog: &Catalog, ids: &[&str]) -> Chain {
    let none = BTreeMap::new();
    Chain::parse(catalog, ids.iter().map(|id| (*id, &none))).unwrap()
}

#[test]
fn an_empty_chain_returns_the_very_same_pixels() {
    let image = image(7, 5, PixelFormat::Rgb8, 3);
    let output = CpuBackend::new(Pool::new(0)).run(&Chain::default(), image.clone()).unwrap();
    assert_eq!(output.image.data().as_ptr(), image.data().as_ptr());
    assert!(output.steps.is_empty());
}

#[test]
fn padding_between_rows_does_not_matter() {
    let chain = chain(&Catalog::standard(), &["blur", "grayscale"]);
    let pool = Pool::new(1 << 20);
    for format in PixelFormat::INTERLEAVED {
        let padded = image(21, 13, format, 11);
        let packed = padded.to_packed(&pool);
        assert!(packed.is_packed() && !padded.is_packed());
        let mut backend = CpuBackend::new(pool.clone());
        let result = backend.run(&chain, padded).unwrap();
        assert_eq!(result.image, backend.run(&chain, packed).unwrap().image);
        assert_eq!((result.steps.len(), backend.accelerator()), (2, Accelerator::Cpu));
        let input = image(21, 13, format, 0).shape();
        assert_eq!(result.image.shape(), chain.output(input).unwrap());
    }
}

#[test]
fn a_kernel_of_one_pixel_leaves_the_image_as_it_is() {
    let parameters = BTreeMap::from([("kernel_size".to_owned(), "1".to_owned())]);
    let chain = Chain::parse(&Catalog::standard(), [("blur", &parameters)]).unwrap();
    let image = image(9, 4, PixelFormat::Rgba8, 0);
    let output = CpuBackend::new(Pool::new(0)).run(&chain, image.clone()).unwrap();
    assert_eq!(output.image, image);
}

#[derive(Debug)]
struct Broken;

static BROKEN: FilterDefinition = FilterDefinition {
    id: "broken",
    name: "Broken",
    description: "Panics.",
    family: Family::Effect,
    parameters: &[],
    formats: &[PixelFormat::Rgb8],
    cuda: false,
    tolerance: 0,
    notes: "",
};

impl Operation for Broken {
    fn definition(&self) -> &'static FilterDefinition {
        &BROKEN
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        CpuWork::Whole(self)
    }
}

impl Whole for Broken {
    fn run(&self, _: &Cpu, _: &Image) -> Result<Image, WorkError> {
        panic!("as expected")
    }
}

#[test]
fn a_catalogue_takes_further_filters() {
    let entry = Entry { definition: &BROKEN, build: |_| Ok(Arc::new(Broken)) };
    let catalog = Catalog::standard().with(entry);
    let ids: Vec<_> = catalog.definitions().map(|definition| definition.id).collect();
    assert!(ids.contains(&"broken") && ids.contains(&"blur"), "{ids:?}");
    let chain = chain(&catalog, &["broken"]);
    assert!(!chain.runs_on_cuda());
    let mut backend = CpuBackend::new(Pool::new(0));
    let refused = backend.run(&chain, image(2, 2, PixelFormat::Gray8, 0)).unwrap_err();
    assert_eq!(refused, BackendError::Format { id: "broken", format: PixelFormat::Gray8 });
    let run = || backend.run(&chain, image(2, 2, PixelFormat::Rgb8, 0)).map(drop);
    assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
}
