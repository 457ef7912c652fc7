//! Images for tests.

use bytes::Bytes;
use proptest::prelude::*;

use crate::cpu::Cpu;
use crate::{CpuWork, Image, Operation, PixelFormat, Size, Window};

/// Random pixels of any interleaved layout, up to that many pixels a side, with or without padding.
pub(crate) fn any_image(side: u32) -> impl Strategy<Value = Image> {
    any_image_of(&PixelFormat::INTERLEAVED, side)
}

/// The same of any planar layout.
pub(crate) fn any_planar_image(side: u32) -> impl Strategy<Value = Image> {
    any_image_of(&[PixelFormat::Nv12, PixelFormat::I420], side)
}

fn any_image_of(formats: &[PixelFormat], side: u32) -> impl Strategy<Value = Image> {
    let format = proptest::sample::select(formats.to_vec());
    // One pixel wide or high is what goes wrong most easily.
    let length = || prop_oneof![1 => Just(1_u32), 6 => 1..=side];
    let padding = prop_oneof![Just(0_usize), 1..9_usize];
    let shape = (format, length(), length(), padding, any::<u32>());
    shape.prop_map(|(format, width, height, padding, mut state)| {
        let size = Size::new(width, height).unwrap();
        let stride = format.row_bytes(size.width()) + padding;
        let bytes = format.bytes(size.height(), stride).unwrap();
        // Not a strategy for each sample: those take longer than what is tested.
        let noise = (0..bytes).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            match state >> 16 & 7 {
                0 => 0,
                1 => 255,
                _ => (state >> 24) as u8,
            }
        });
        Image::new(size, format, stride, Bytes::from_iter(noise)).unwrap()
    })
}

/// All samples the same.
pub(crate) fn filled(format: PixelFormat, width: u32, height: u32, sample: u8) -> Image {
    let size = Size::new(width, height).unwrap();
    let row = size.width() * format.channels();
    Image::new(size, format, row, Bytes::from(vec![sample; row * size.height()])).unwrap()
}

/// The bytes of an image without padding.
pub(crate) fn packed(image: &Image) -> &[u8] {
    assert!(image.is_packed(), "results have no padding");
    image.data()
}

/// What an operation makes of an image.
pub(crate) fn run(operation: &impl Operation, cpu: &Cpu, image: &Image) -> Image {
    let output = operation.output(image.shape()).unwrap();
    let result = match operation.cpu(image.shape()) {
        // What it makes is asked for directly.
        CpuWork::Nothing | CpuWork::Tensor(_) => image.clone(),
        CpuWork::Whole(whole) => whole.run(cpu, image).unwrap(),
        CpuWork::Pointwise(pointwise) => {
            let mut buffer = cpu.take(output.bytes());
            let rows = buffer.chunks_exact_mut(output.row_bytes());
            for (from, to) in image.rows().zip(rows) {
                match pointwise.table() {
                    Some(table) => table.pixels(cpu.level(), image.format(), from, to),
                    None => pointwise.pixels(cpu.level(), image.format(), from, to),
                }
            }
            Image::packed(output.size, output.format, buffer).unwrap()
        }
        CpuWork::Rows(rows) => {
            let mut buffer = cpu.take(output.bytes());
            rows.render(cpu, &Window::all(image), 0..output.size.height(), &mut buffer);
            Image::packed(output.size, output.format, buffer).unwrap()
        }
    };
    assert_eq!(result.shape(), output);
    result
}
