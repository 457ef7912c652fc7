//! One result, whatever the vector instructions, the threads, the padding, the chain.

use std::sync::Arc;

use ocelli_kernels::{Backend as _, Catalog, CpuBackend, Family, Image, Pool, Tensor, WorkerPool};

use crate::cases::{self, Case};

fn check(family: Family) {
    let pool = Pool::new(1 << 26);
    let workers = Arc::new(WorkerPool::new(3).unwrap().sharing_from(0));
    for case in cases::of(family) {
        let chain = case.chain();
        let run = |backend: &CpuBackend, image: Image| match backend.clone().run(&chain, image) {
            Ok(output) => (output.image, output.tensor),
            Err(error) => panic!("{case:?}: {error}"),
        };
        let narrowest = CpuBackend::levels()[0];
        let plain = CpuBackend::new(pool.clone()).with_level(narrowest).unwrap();
        let expected = run(&plain, case.image(0));
        let shape = case.image(0).shape();
        assert_eq!(chain.output(shape).unwrap(), expected.0.shape(), "{case:?}");
        let tensor = expected.1.as_ref().map(Tensor::shape);
        assert_eq!(chain.tensor(shape).unwrap().as_ref(), tensor, "{case:?}");
        for level in CpuBackend::levels() {
            let backend = CpuBackend::new(pool.clone()).with_level(level).unwrap();
            same(&expected, &run(&backend, case.image(0)), &case, level);
        }
        let backend = CpuBackend::new(pool.clone());
        same(&expected, &run(&backend, case.image(13)), &case, "with padding");
        let backend = backend.with_workers(Arc::clone(&workers));
        same(&expected, &run(&backend, case.image(0)), &case, "on three threads");
    }
}

#[track_caller]
fn same(
    (expected, tensor): &(Image, Option<Tensor>),
    (is, is_tensor): &(Image, Option<Tensor>),
    case: &Case,
    what: &str,
) {
    assert!(tensor == is_tensor, "another tensor {what}: {case:?}");
    // A step that changes nothing keeps the padding, too.
    let is = &is.to_packed(&Pool::new(0));
    let differ = expected.data().iter().zip(is.data()).position(|(must, is)| must != is);
    assert_eq!(differ, None, "first difference {what}: {case:?}");
    assert_eq!((expected.shape(), expected.data()), (is.shape(), is.data()), "{what}: {case:?}");
}

families!(check);

/// Every filter has cases.
#[test]
fn no_filter_is_forgotten() {
    let mut missing: Vec<&str> = Catalog::standard().definitions().map(|d| d.id).collect();
    for family in Family::ALL {
        let cases = cases::of(family);
        missing.retain(|id| !cases.iter().any(|case| case.filter == *id));
    }
    assert!(missing.is_empty(), "no cases of {missing:?}");
}
