//! Against pixels converted one by one, and what is refused.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::colour::spaces::Space;
use crate::colour::spaces::block::Block;
use crate::colour::spaces::ycbcr::Matrix;
use crate::convert::to_format;
use crate::simd::Level;
use crate::test_images::any_image;
use crate::{Backend as _, Catalog, Chain, CpuBackend, Image, PixelFormat, Pool};

const SPACES: [&str; 7] = ["rgb", "bgr", "gray", "hsv", "hsv_full", "lab", "ycbcr"];

/// The weights and the range of planes.
fn matrices() -> impl Strategy<Value = (&'static str, &'static str)> {
    let names = ["bt601", "bt709"].map(|name| [(name, "limited"), (name, "full")]);
    proptest::sample::select(names.concat())
}

fn chain(from: &str, to: &str, more: &[(&str, &str)]) -> Chain {
    let given = [("from", from), ("to", to)].into_iter().chain(more.iter().copied());
    let given: BTreeMap<_, _> =
        given.map(|(id, value)| (id.to_owned(), value.to_owned())).collect();
    Chain::parse(&Catalog::standard(), [("color_convert", &given)]).unwrap()
}

/// One pixel on its own, without vector instructions.
fn pixel(from: &str, to: &str, pixel: &[u8]) -> Vec<u8> {
    let (level, matrix) = (Level::all()[0], Matrix::of("bt601", true));
    let mut block = Block::new();
    block.split(level, pixel.len(), pixel);
    Space::of(from).unwrap().to_rgb(level, &matrix, &mut block);
    Space::of(to).unwrap().of_rgb(level, &matrix, &mut block);
    let channels = if to == "gray" { 1 } else { pixel.len().max(3) };
    let mut result = vec![0; channels];
    block.join(level, channels, &mut result);
    result
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_level_and_block_gives_the_same_as_one_pixel(
        image in any_image(90),
        from in proptest::sample::select(SPACES.to_vec()),
        to in proptest::sample::select(SPACES.to_vec()),
    ) {
        let from = if image.format() == PixelFormat::Gray8 { "gray" } else { from };
        if from == to || (from == "gray" && image.format() != PixelFormat::Gray8) {
            return Ok(());
        }
        let channels = image.format().channels();
        let expected: Vec<u8> = image
            .rows()
            .flat_map(|row| row.chunks(channels))
            .flat_map(|sample| pixel(from, to, sample))
            .collect();
        for level in CpuBackend::levels() {
            let mut backend = CpuBackend::new(Pool::new(1 << 20)).with_level(level).unwrap();
            let result = backend.run(&chain(from, to, &[]), image.clone()).unwrap().image;
            prop_assert_eq!(result.data(), &expected[..], "{}", level);
        }
    }

    #[test]
    fn planes_hold_what_the_matrix_says(image in any_image(150), matrix in matrices()) {
        let (name, range) = matrix;
        let pool = Pool::new(1 << 20);
        let rgb = to_format(&image, PixelFormat::Rgb8, &pool).unwrap();
        let colour = |x: usize, y: usize| -> [u8; 3] {
            rgb.row(y)[3 * x..][..3].try_into().unwrap()
        };
        let matrix = Matrix::of(name, range == "full");
        for level in CpuBackend::levels() {
            let run = |to: &str, image: &Image| {
                let mut backend = CpuBackend::new(Pool::new(1 << 20)).with_level(level).unwrap();
                let more = [("matrix", name), ("range", range)];
                backend.run(&chain("auto", to, &more), image.clone()).unwrap().image
            };
            let (nv12, i420) = (run("nv12", &rgb), run("i420", &rgb));
            let (pairs, planes, back) = (nv12.planes(), i420.planes(), run("rgb", &nv12));
            for y in 0..image.size().height() {
                for x in 0..image.size().width() {
                    let corner = colour(x / 2 * 2, y / 2 * 2);
                    let (cb, cr) = (matrix.cb_of(corner), matrix.cr_of(corner));
                    let luma = matrix.y_of(colour(x, y));
                    let of_pairs = &pairs[1].row(y / 2)[x / 2 * 2..];
                    let of_planes = [planes[1].row(y / 2)[x / 2], planes[2].row(y / 2)[x / 2]];
                    prop_assert_eq!([pairs[0].row(y)[x], of_pairs[0], of_pairs[1]], [luma, cb, cr]);
                    prop_assert_eq!(planes[0].row(y)[x], luma);
                    prop_assert_eq!(of_planes, [cb, cr]);
                    let must = matrix.rgb_of([luma, cb, cr]);
                    prop_assert_eq!(&back.row(y)[3 * x..][..3], &must);
                }
            }
            prop_assert_eq!(&run("nv12", &i420), &nv12);
            prop_assert_eq!(&run("i420", &nv12), &i420);
            prop_assert_eq!(run("rgb", &i420), run("rgb", &nv12));
            // By way of red, green and blue, as its matrix is another one.
            let hsv = run("hsv", &nv12);
            for (row, back) in hsv.rows().zip(back.rows()) {
                let must = back.chunks(3).flat_map(|rgb| pixel("rgb", "hsv", rgb));
                prop_assert_eq!(row, must.collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn any_samples_of_planes_become_what_the_matrix_says(
        width in 1_u32..150,
        height in 1_u32..6,
        samples in proptest::collection::vec(any::<u8>(), 150 * 6 * 2),
        matrix in matrices(),
    ) {
        let size = crate::Size::new(width, height).unwrap();
        let stride = PixelFormat::Nv12.row_bytes(size.width());
        let len = PixelFormat::Nv12.bytes(size.height(), stride).unwrap();
        let image =
            Image::new(size, PixelFormat::Nv12, stride, samples[..len].to_vec().into()).unwrap();
        let (name, range) = matrix;
        let matrix = Matrix::of(name, range == "full");
        let planes = image.planes();
        for level in CpuBackend::levels() {
            let mut backend = CpuBackend::new(Pool::new(1 << 20)).with_level(level).unwrap();
            let chain = chain("nv12", "rgb", &[("matrix", name), ("range", range)]);
            let result = backend.run(&chain, image.clone()).unwrap().image;
            for (y, row) in result.rows().enumerate() {
                for (x, colour) in row.chunks(3).enumerate() {
                    let luma = planes[0].row(y)[x];
                    let chroma = &planes[1].row(y / 2)[x / 2 * 2..];
                    prop_assert_eq!(colour, matrix.rgb_of([luma, chroma[0], chroma[1]]), "{}", level);
                }
            }
        }
    }
}

#[test]
fn a_layout_that_cannot_hold_it_is_refused() {
    let size = crate::Size::new(4, 4).unwrap();
    for (format, from) in [
        (PixelFormat::Gray8, "rgb"),
        (PixelFormat::Rgb8, "gray"),
        (PixelFormat::Rgba8, "nv12"),
        (PixelFormat::Nv12, "i420"),
        (PixelFormat::I420, "ycbcr"),
    ] {
        let error = chain(from, "lab", &[]).output(crate::Shape::new(size, format)).unwrap_err();
        assert!(error.to_string().contains(from), "{error}");
    }
}
