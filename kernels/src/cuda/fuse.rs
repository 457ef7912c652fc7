//! Fuses neighbouring pointwise steps into one kernel, so that what lies between them stays in
//! registers.
//!
//! The kernel depends only on the structure of the chain: the functions, the layouts and the number
//! of constants. Their values are arguments, so a chain with other values uses the same kernel.

use super::generated::{Function, Generated};
use super::launch::MOST_INTS;
use super::stage::{PlannedLaunch, Source, Stage};
use super::wide::{self, THREADS};
use super::{Argument, CudaPointwise};
use crate::{Shape, Table};

/// The largest number of functions in one kernel, whose code is repeated for every pixel of a
/// thread.
const MOST_FUNCTIONS: usize = 16;

/// A step to fuse, and the shape of its result.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) work: CudaPointwise,
    pub(super) output: Shape,
    /// The index of the step in the chain.
    pub(super) step: usize,
}

/// The number of parts at the start of the list that fit into one kernel; at least one.
pub(super) fn length(parts: &[Part]) -> usize {
    let mut constants = 0;
    let fits = parts.iter().take(MOST_FUNCTIONS).take_while(|part| {
        constants += part.work.constants.len();
        constants <= MOST_INTS
    });
    fits.count().max(1)
}

/// The stage for those parts; `None` if the image has more pixels than a kernel can count.
pub(super) fn fuse(parts: Vec<Part>, input: Shape) -> Option<Stage> {
    let steps = parts.iter().map(|part| part.step).collect();
    let output = parts.last()?.output;
    let parts = join_tables(parts);
    let function = |part: &Part| Function {
        name: part.work.function,
        constants: part.work.constants.len(),
        table: part.work.table.as_ref().map_or(0, Vec::len),
        channels: part.output.format.channels(),
    };
    let functions = parts.iter().map(function).collect();
    let generated = Generated::new(input.format.channels(), functions);
    let pixels = i32::try_from(input.size.pixels()).ok()?;
    let blocks = wide::blocks_of_pixels(input.size.pixels(), generated.each())?;
    let mut arguments = vec![Argument::Input, Argument::Output, Argument::Int(pixels)];
    let constants: Vec<i32> = parts.iter().flat_map(|part| part.work.constants.clone()).collect();
    if constants.len() > MOST_INTS {
        return None;
    }
    if !constants.is_empty() {
        arguments.push(Argument::Ints(constants));
    }
    let tables: Vec<u8> =
        parts.iter().flat_map(|part| part.work.table.iter().flatten().copied()).collect();
    let mut data = Vec::new();
    if !tables.is_empty() {
        arguments.push(Argument::Data(data.len()));
        data.push(tables);
    }
    let launch = PlannedLaunch {
        kernel: generated.name().to_owned().into(),
        grid: (blocks, 1),
        block: (THREADS, 1),
        shared_bytes: generated.shared_bytes(),
        arguments,
        source: Source::Generated(generated.into()),
    };
    let (output_bytes, scratch) = (output.bytes(), Vec::new());
    Some(Stage { steps, input, output, output_bytes, scratch, data, launches: vec![launch] })
}

/// Merges neighbouring tables into one.
fn join_tables(parts: Vec<Part>) -> Vec<Part> {
    let mut joined = Vec::<Part>::with_capacity(parts.len());
    for part in parts {
        let tables = |last: &Part| Some((table(&last.work)?, table(&part.work)?));
        if let Some(last) = joined.last_mut()
            && let Some((before, after)) = tables(last)
        {
            last.work.table = Some(before.then(&after).lists().concat());
            last.output = part.output;
        } else {
            joined.push(part);
        }
    }
    joined
}

/// The table of a part, if it does nothing else.
fn table(work: &CudaPointwise) -> Option<Table> {
    let (lists, rest) = work.table.as_deref()?.as_chunks::<256>();
    let [red, green, blue] = lists else { return None };
    let plain = work.function == "table" && work.constants.is_empty() && rest.is_empty();
    plain.then(|| Table::of_colours([*red, *green, *blue]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PixelFormat, Size};

    fn shape(format: PixelFormat) -> Shape {
        Shape::new(Size::new(100, 100).unwrap(), format)
    }

    fn part(function: &'static str, constants: Vec<i32>, table: Option<Vec<u8>>) -> Part {
        let work = CudaPointwise { function, constants, table };
        Part { work, output: shape(PixelFormat::Rgb8), step: 0 }
    }

    fn lists(each: impl Fn(u8) -> u8) -> Option<Vec<u8>> {
        Some(Table::new(each).lists().concat())
    }

    fn name(stage: &Stage) -> String {
        stage.launches[0].kernel.to_string()
    }

    #[test]
    fn values_do_not_change_the_kernel_but_shapes_do() {
        let of = |part: Part, format| fuse(vec![part], shape(format)).unwrap();
        let one = of(part("f", vec![1, 2], None), PixelFormat::Rgb8);
        let other = of(part("f", vec![3, 4], None), PixelFormat::Rgb8);
        assert_eq!(one.launches[0].source, other.launches[0].source);
        assert_ne!(one.launches[0].arguments, other.launches[0].arguments);
        let more = of(part("f", vec![1, 2, 3], None), PixelFormat::Rgb8);
        let grey = of(part("f", vec![1, 2], None), PixelFormat::Gray8);
        let names = [name(&one), name(&more), name(&grey)];
        assert_eq!(names, ["chain_3__f_2_0_3", "chain_3__f_3_0_3", "chain_1__f_2_0_3"]);
    }

    #[test]
    fn each_function_gets_its_own_constants_and_lists() {
        let parts = vec![
            part("f", vec![1, 2], None),
            part("table", vec![], lists(|v| v)),
            Part { output: shape(PixelFormat::Gray8), ..part("g", vec![3], lists(|v| !v)) },
        ];
        let stage = fuse(parts, shape(PixelFormat::Rgb8)).unwrap();
        let Source::Generated(generated) = &stage.launches[0].source else { unreachable!() };
        let text = generated.kernel_text();
        let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("no {part} in {text}"));
        assert!(at("p = f(p, k.at + 0, tables + 0);") < at("p = table(p, k.at + 2, tables + 0);"));
        assert!(at("p = g(p, k.at + 2, tables + 768);") < at("p.g = p.r, p.b = p.r;"));
        at("wide::run<3, 1, 16>(");
        at("Constants<3> k");
        assert_eq!(stage.launches[0].arguments[3], Argument::Ints(vec![1, 2, 3]));
        assert_eq!(stage.data[0].len(), 2 * 768);
        assert_eq!((stage.launches[0].grid, stage.launches[0].block), ((3, 1), (256, 1)));
    }

    #[test]
    fn neighbouring_tables_become_one() {
        let add = |by: u8| part("table", vec![], lists(move |v| v.wrapping_add(by)));
        // In order: what comes out otherwise differs.
        let double = part("table", vec![], lists(|v| v.wrapping_mul(2)));
        let stage = fuse(vec![add(1), double, add(3)], shape(PixelFormat::Gray8)).unwrap();
        assert_eq!(name(&stage), "chain_1__table_0_768_3");
        assert_eq!(
            stage.data,
            [lists(|v| v.wrapping_add(1).wrapping_mul(2).wrapping_add(3)).unwrap()]
        );
        assert_eq!(stage.steps.len(), 3);
    }

    #[test]
    fn a_kernel_has_room_for_so_many_functions_and_constants() {
        assert_eq!(length(&vec![part("f", vec![], None); 40]), MOST_FUNCTIONS);
        assert_eq!(length(&vec![part("f", vec![0; 200], None); 40]), 2);
        assert_eq!(length(&[part("f", vec![0; 9000], None)]), 1);
        let stage = fuse(vec![part("f", vec![0; 9000], None)], shape(PixelFormat::Gray8));
        assert_eq!(stage, None);
    }
}
