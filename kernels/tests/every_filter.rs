//! No filter panics, hangs or breaks the promise of its plan: on every layout, for tiny and odd
//! shapes, with extreme and random parameters.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "real work takes real time"
)]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ocelli_kernels::{
    Backend as _, Catalog, Chain, CpuBackend, FilterDefinition, Image, Interrupt, ParameterKind,
    PixelFormat, Planned, Pool, Shape, Size, WorkerPool,
};

/// More pixels than this take long and find nothing new.
const MOST_PIXELS: usize = 1 << 18;

/// Drawings, of which some are beyond the image and some wrong.
const DRAWINGS: [&str; 7] = [
    "",
    "box 0 0 5 5 #ff0000",
    "fill -9 -9 30000 30000 #12345678",
    "line -100 -100 100 100 #fff; dot 3 3 2 #000000; circle 1 1 40 #00ff00 64",
    "text 0 0 #ffffff \"x\"",
    "label 1 1 #ffffff hello",
    "box 1",
];

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end.max(1)
    }

    fn part(&mut self) -> f64 {
        self.below(1 << 20) as f64 / f64::from(1 << 20)
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// A value that the parameter may have, often an extreme one.
    fn value(&mut self, kind: &ParameterKind) -> String {
        let extreme = self.below(3);
        match *kind {
            ParameterKind::Select { options, .. } => self.of(options).to_string(),
            ParameterKind::Boolean { .. } => (self.below(2) == 0).to_string(),
            ParameterKind::Integer { min, max, step, .. } => match extreme {
                0 => min.to_string(),
                1 => max.to_string(),
                _ => {
                    let steps = (max - min) / step;
                    // Small ones are more likely.
                    let steps = (steps as f64 * self.part().powi(4)) as i64;
                    (min + steps * step).to_string()
                }
            },
            ParameterKind::Number { min, max, .. } => match extreme {
                0 => min.to_string(),
                1 => max.to_string(),
                _ => (min + (max - min) * self.part()).to_string(),
            },
            ParameterKind::Numbers { min_items, max_items, group, min, max, .. } => {
                let groups = (max_items - min_items) / group.max(1);
                let count = match self.below(3) {
                    0 => min_items,
                    1 => max_items,
                    _ => min_items + self.below(groups + 1) * group,
                };
                let (low, high) =
                    if extreme == 0 { (min, max) } else { (min.max(-2.0), max.min(9.0)) };
                let whole = self.below(2) == 0;
                let one = |random: &mut Self| {
                    let number = low + (high - low) * random.part();
                    if whole { number.round().to_string() } else { number.to_string() }
                };
                (0..count).map(|_| one(self)).collect::<Vec<_>>().join(" ")
            }
            ParameterKind::Color { .. } => {
                self.of(&["#000000", "#ffffff", "#12345678", "#ffffff00"]).to_string()
            }
            ParameterKind::Text { .. } => self.of(&DRAWINGS).to_string(),
        }
    }

    /// Values for none, one, some or all parameters.
    fn parameters(&mut self, definition: &FilterDefinition) -> BTreeMap<String, String> {
        let all = definition.parameters;
        let only = self.below(all.len());
        let mode = self.below(4);
        let mut given = BTreeMap::new();
        for (at, parameter) in all.iter().enumerate() {
            let give = match mode {
                0 => false,
                1 => at == only,
                2 => self.below(2) == 0,
                _ => true,
            };
            if give {
                given.insert(parameter.id.to_owned(), self.value(&parameter.kind));
            }
        }
        given
    }

    fn size(&mut self) -> (u32, u32) {
        match self.below(8) {
            0 => (1, 1 + self.below(2000) as u32),
            1 => (1 + self.below(2000) as u32, 1),
            2 => (1 + 2 * self.below(200) as u32, 1 + 2 * self.below(40) as u32),
            _ => (1 + self.below(9) as u32, 1 + self.below(9) as u32),
        }
    }

    fn image(&mut self, (width, height): (u32, u32), format: PixelFormat) -> Image {
        let size = Size::new(width, height).unwrap();
        let mut pixels = Pool::new(0).take(Shape::new(size, format).bytes());
        let flat = self.below(4) == 0;
        for byte in pixels.iter_mut() {
            *byte = if flat { 255 } else { self.below(256) as u8 };
        }
        Image::packed(size, format, pixels).unwrap()
    }
}

/// Runs one case; what went wrong, if anything did. Parameters that a filter refuses are fine.
fn fault(backend: &mut CpuBackend, chain: Chain, image: &Image) -> Option<String> {
    let planned = Planned::new(chain, image.shape()).ok()?;
    if planned.results().any(|shape| shape.size.pixels() > MOST_PIXELS)
        || planned.tensor().is_some_and(|tensor| tensor.bytes() > 12 * MOST_PIXELS)
    {
        return None;
    }
    let _ = (planned.peak_bytes(), planned.prior_cpu());
    let too_long = Interrupt::new(Some(Instant::now() + Duration::from_secs(20)));
    let output = match backend.run_planned(&planned, image.clone(), &too_long) {
        Ok(output) => output,
        Err(error) => return Some(error.to_string()),
    };
    let (is, must) = (output.image.shape(), planned.output());
    if is != must {
        return Some(format!("it made {is:?} instead of {must:?}"));
    }
    let made = output.tensor.as_ref().map(|tensor| tensor.shape().clone());
    (made.as_ref() != planned.tensor())
        .then(|| format!("it made {made:?} instead of {:?}", planned.tensor()))
}

#[test]
fn every_filter_keeps_its_promises() {
    let rounds = if std::env::var_os("OCELLI_LONG").is_some() { 2000 } else { 60 };
    let catalog = Catalog::standard();
    let workers = Arc::new(WorkerPool::new(3).unwrap().sharing_from(0));
    let one = CpuBackend::new(Pool::new(1 << 24));
    let mut backends = [one.clone(), one.with_workers(workers)];
    let mut faults = Vec::new();
    for definition in catalog.definitions() {
        let mut random = Random(definition.id.bytes().map(u64::from).sum());
        for format in PixelFormat::ALL {
            for round in 0..rounds {
                let given = random.parameters(definition);
                let Ok(chain) = Chain::parse(&catalog, [(definition.id, &given)]) else { continue };
                let image = {
                    let size = random.size();
                    random.image(size, format)
                };
                let backend = &mut backends[round % 2];
                let run = AssertUnwindSafe(|| fault(backend, chain, &image));
                let fault = catch_unwind(run).unwrap_or_else(|_| Some("it panicked".to_owned()));
                if let Some(fault) = fault {
                    let size = image.size();
                    faults.push(format!(
                        "{} {given:?} on {format:?} {}x{}: {fault}",
                        definition.id,
                        size.width(),
                        size.height()
                    ));
                    // Others of the same filter and layout are most likely the same.
                    break;
                }
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// The case that was found first: a filter for grey images only, which planar ones were given.
#[test]
fn a_filter_for_grey_refuses_planar_layouts() {
    let none = BTreeMap::new();
    for format in [PixelFormat::Nv12, PixelFormat::I420, PixelFormat::Rgb8] {
        let input = Shape::new(Size::new(8, 8).unwrap(), format);
        let chain = Chain::parse(&Catalog::standard(), [("adaptive_threshold", &none)]).unwrap();
        let error = Planned::new(chain, input).unwrap_err();
        assert_eq!(error.to_string(), format!("adaptive_threshold does not work on {format:?}"));
        let chain = [("grayscale", &none), ("adaptive_threshold", &none)];
        let chain = Chain::parse(&Catalog::standard(), chain).unwrap();
        assert!(Planned::new(chain, input).is_ok());
    }
}
