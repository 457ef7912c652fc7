//! Steps that run together give what they give one by one, bit for bit.

use std::collections::BTreeMap;
use std::sync::Arc;

use ocelli_kernels::{
    Backend as _, BackendError, Catalog, Chain, CpuBackend, Image, PixelFormat, Pool, WorkerPool,
};
use proptest::prelude::*;

use crate::cases::{self, Content};

type Step = (&'static str, BTreeMap<String, String>);

/// Filters with the parameters of one of their cases, so that chains have more than defaults.
fn any_step() -> impl Strategy<Value = Step> {
    let families = ocelli_kernels::Family::ALL;
    let mut steps: Vec<Step> = Vec::new();
    for case in families.into_iter().flat_map(cases::of) {
        let small = case.size.0 * case.size.1 < 300;
        let step = (case.filter, case.parameters);
        // Large results are compared elsewhere; here they would only take time.
        if small && step.0 != "resize" && !steps.contains(&step) {
            steps.push(step);
        }
    }
    // Filters with many cases are not chosen more often than others.
    let mut of_filter: BTreeMap<&str, Vec<Step>> = BTreeMap::new();
    steps.into_iter().for_each(|step| of_filter.entry(step.0).or_default().push(step));
    let filters: Vec<Vec<Step>> = of_filter.into_values().collect();
    proptest::sample::select(filters).prop_flat_map(proptest::sample::select)
}

fn parse(steps: &[Step]) -> Option<Chain> {
    let steps = steps.iter().map(|(id, given)| (*id, given));
    Chain::parse(&Catalog::standard(), steps).ok()
}

fn owned(given: cases::Given<'_>) -> BTreeMap<String, String> {
    given.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()
}

fn one_by_one(steps: &[Step], image: &Image) -> Result<Image, BackendError> {
    let mut backend = CpuBackend::new(Pool::new(1 << 24));
    steps.iter().try_fold(image.clone(), |image, step| {
        let chain = parse(std::slice::from_ref(step)).expect("it is a case");
        backend.run(&chain, image).map(|output| output.image)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn fused_is_one_by_one(
        steps in proptest::collection::vec(any_step(), 1..7),
        format in proptest::sample::select(PixelFormat::INTERLEAVED.to_vec()),
        size in (1..90_u32, 1..200_u32),
        padding in prop_oneof![Just(0_usize), 1..9_usize],
    ) {
        let Some(chain) = parse(&steps) else { return Ok(()) };
        let image = cases::image(Content::Scene, size, format, padding);
        let expected = one_by_one(&steps, &image);
        let workers = Arc::new(WorkerPool::new(3).unwrap().sharing_from(0));
        let pool = Pool::new(1 << 24);
        let backends = [
            CpuBackend::new(pool.clone()),
            CpuBackend::new(pool.clone()).with_workers(workers),
        ];
        for mut backend in backends {
            match (&expected, backend.run(&chain, image.clone())) {
                (Ok(expected), Ok(output)) => {
                    let (expected, is) = (expected.to_packed(&pool), output.image.to_packed(&pool));
                    prop_assert_eq!(expected.shape(), is.shape());
                    prop_assert!(expected.data() == is.data(), "pixels differ");
                    prop_assert_eq!(output.steps.len(), steps.len());
                }
                // A step that does not take what the one before makes.
                (Err(_), Err(_)) => {}
                (expected, is) => prop_assert!(false, "one by one {expected:?}, fused {is:?}"),
            }
        }
    }
}

/// Thresholds after the root of squares compare the squares instead: where is a sample, to the last
/// bit?
#[test]
fn a_threshold_after_edges_is_that_of_their_samples() {
    let edges: [(&'static str, cases::Given<'_>); 5] = [
        ("sobel", &[]),
        ("sobel", &[("kernel_size", "5"), ("scale", "0.037")]),
        ("sobel", &[("kernel_size", "7"), ("scale", "0.01")]),
        ("sobel", &[("kernel_size", "1"), ("scale", "100")]),
        ("scharr", &[("scale", "0.1"), ("border_mode", "wrap")]),
    ];
    for (id, given) in edges {
        for format in PixelFormat::INTERLEAVED {
            let image = cases::image(Content::Noise, (149, 61), format, 3);
            for value in ["0", "1", "17", "100", "254", "255"] {
                for mode in ["binary", "binary_inverse"] {
                    let given = owned(given);
                    let threshold = owned(&[("threshold", value), ("mode", mode)]);
                    let steps = [(id, given), ("threshold", threshold), ("invert", owned(&[]))];
                    let expected = one_by_one(&steps, &image).unwrap();
                    for level in CpuBackend::levels() {
                        let backend = CpuBackend::new(Pool::new(1 << 24)).with_level(level);
                        let output = backend.unwrap().run(&parse(&steps).unwrap(), image.clone());
                        let same = output.unwrap().image.data() == expected.data();
                        assert!(same, "{level} {steps:?} {format:?}");
                    }
                }
            }
        }
    }
}

/// Images large enough that tables next to other steps are had shorter.
#[test]
fn tables_around_a_matrix_give_what_they_give_alone() {
    let posterize: (&str, cases::Given<'_>) = ("posterize", &[("levels", "8")]);
    let chains: [&[(&str, cases::Given<'_>)]; 3] = [
        &[
            ("brightness_contrast", &[("brightness", "12"), ("contrast", "1.2")]),
            ("gamma", &[("gamma", "1.4")]),
            ("sepia", &[]),
            ("invert", &[]),
            posterize,
        ],
        &[("sepia", &[]), posterize],
        &[("gamma", &[("gamma", "0.4")]), ("sepia", &[])],
    ];
    for steps in chains {
        let steps: Vec<Step> = steps.iter().map(|(id, given)| (*id, owned(given))).collect();
        for format in [PixelFormat::Rgb8, PixelFormat::Rgba8] {
            let image = cases::image(Content::Noise, (331, 211), format, 4);
            let expected = one_by_one(&steps, &image).unwrap();
            for level in CpuBackend::levels() {
                let backend = CpuBackend::new(Pool::new(1 << 24)).with_level(level);
                let output = backend.unwrap().run(&parse(&steps).unwrap(), image.clone());
                let same = output.unwrap().image.data() == expected.data();
                assert!(same, "{level} {steps:?} {format:?}");
            }
        }
    }
}

/// Long enough images for several bands on several threads.
#[test]
fn seams_between_bands_do_not_show() {
    let chains: [&[(&str, cases::Given<'_>)]; 3] = [
        &[("blur", &[("kernel_size", "31"), ("sigma", "9")]), ("blur", &[]), ("grayscale", &[])],
        &[("blur", &[("border_mode", "constant")]), ("blur", &[("border_mode", "reflect_101")])],
        &[
            ("blur", &[("border_mode", "wrap")]),
            ("blur", &[]),
            ("blur", &[("border_mode", "wrap")]),
        ],
    ];
    let workers = Arc::new(WorkerPool::new(3).unwrap());
    for steps in chains {
        let steps: Vec<Step> = steps.iter().map(|(id, given)| (*id, owned(given))).collect();
        let image = cases::image(Content::Noise, (700, 900), PixelFormat::Rgb8, 5);
        let expected = one_by_one(&steps, &image).unwrap();
        let chain = parse(&steps).unwrap();
        let mut backend = CpuBackend::new(Pool::new(1 << 26)).with_workers(Arc::clone(&workers));
        for _ in 0..3 {
            assert!(backend.run(&chain, image.clone()).unwrap().image == expected, "{steps:?}");
        }
    }
}
