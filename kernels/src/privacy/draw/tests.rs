//! Against brute force: every pixel is asked whether it is in the shape.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::ENTRY;
use crate::test_images::{any_image, filled, packed};
use crate::{
    Backend as _, Catalog, Chain, CpuBackend, CpuWork, Image, ParameterError, Parameters,
    PixelFormat, Pool,
};

fn parameters(shapes: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("shapes".to_owned(), shapes.to_owned())])
}

fn draw(shapes: &str, image: &Image) -> Image {
    let parameters = parameters(shapes);
    let chain = Chain::parse(&Catalog::standard(), [("draw", &parameters)]).unwrap();
    CpuBackend::new(Pool::new(0)).run(&chain, image.clone()).unwrap().image
}

fn mask(shapes: &str, width: u32, height: u32) -> Vec<u8> {
    packed(&draw(shapes, &filled(PixelFormat::Gray8, width, height, 0))).to_vec()
}

fn error(shapes: &str) -> ParameterError {
    let values = Parameters::parse(ENTRY.definition, &parameters(shapes)).unwrap();
    (ENTRY.build)(&values).unwrap_err()
}

/// As picture: `#` where it is white, `+` where it is grey.
fn picture(mask: &[u8], width: usize) -> Vec<String> {
    let letter = |sample: &u8| match sample {
        0 => '.',
        255 => '#',
        _ => '+',
    };
    mask.chunks(width).map(|row| row.iter().map(letter).collect()).collect()
}

/// Four times the square of the distance to a line, times the square of its length (at least 1),
/// and that square. Points are in halves of a pixel.
fn distance(p: (i64, i64), a: (i64, i64), b: (i64, i64)) -> (i64, i64) {
    let (d, v) = ((b.0 - a.0, b.1 - a.1), (p.0 - a.0, p.1 - a.1));
    let w = (p.0 - b.0, p.1 - b.1);
    let (whole, along) = (d.0 * d.0 + d.1 * d.1, v.0 * d.0 + v.1 * d.1);
    match along {
        _ if whole == 0 || along <= 0 => (v.0 * v.0 + v.1 * v.1, 1),
        along if along >= whole => (w.0 * w.0 + w.1 * w.1, 1),
        _ => ((v.0 * d.1 - v.1 * d.0).pow(2), whole),
    }
}

proptest! {
    #[test]
    fn thick_lines_are_all_pixels_near_enough(
        a in (-5..45_i64, -5..35_i64),
        b in (-5..45_i64, -5..35_i64),
        thickness in 2..12_i64,
    ) {
        let shapes = format!("polyline {} {} {} {} #ffffff {thickness}", a.0, a.1, b.0, b.1);
        let is = mask(&shapes, 40, 30);
        let shift = if thickness % 2 == 0 { 1 } else { 0 };
        let half = |(x, y): (i64, i64)| (2 * x - shift, 2 * y - shift);
        for (at, sample) in is.iter().enumerate() {
            let p = (2 * (at as i64 % 40), 2 * (at as i64 / 40));
            let (squared, over) = distance(p, half(a), half(b));
            let inside = squared < thickness * thickness * over;
            prop_assert_eq!(*sample == 255, inside, "{} at {:?}", shapes, p);
        }
    }

    #[test]
    fn rings_are_all_pixels_near_enough(
        (x, y) in (-5..45_i64, -5..35_i64),
        radius in 0..25_i64,
        thickness in 2..12_i64,
    ) {
        let shapes = format!("circle {x} {y} {radius} #fff000 {thickness}");
        let image = filled(PixelFormat::Rgb8, 40, 30, 0);
        let is = draw(&shapes, &image);
        for (at, pixel) in packed(&is).chunks(3).enumerate() {
            let (dx, dy) = (at as i64 % 40 - x, at as i64 / 40 - y);
            let squared = 4 * (dx * dx + dy * dy);
            let hole = (2 * radius - thickness).max(-1);
            let beyond_hole = hole < 0 || squared > hole * hole;
            let inside = beyond_hole && squared < (2 * radius + thickness).pow(2);
            prop_assert_eq!(pixel == [255, 240, 0], inside, "{} at {} {}", shapes, dx, dy);
        }
    }

    /// The whole image is covered: each sample is between what it was and the colour.
    #[test]
    fn colours_are_mixed_by_their_opacity(image in any_image(20), color in any::<[u8; 4]>()) {
        let [r, g, b, opacity] = color;
        let shapes = format!("fill -1 -1 99 99 #{r:02x}{g:02x}{b:02x}{opacity:02x}");
        let result = draw(&shapes, &image);
        let luma = (f64::from(r) * 0.299 + f64::from(g) * 0.587 + f64::from(b) * 0.114).round();
        let channels = image.format().channels();
        for (from, to) in image.rows().zip(result.rows()) {
            for (at, (from, to)) in from.iter().zip(to).enumerate() {
                let target = match (channels, at % channels) {
                    (1, _) => luma,
                    (_, channel) => f64::from([r, g, b, 255][channel]),
                };
                let part = f64::from(opacity) / 255.0;
                let expected = f64::from(*from) * (1.0 - part) + target * part;
                // Luma is rounded before it is mixed, and rarely to the other side.
                let most = if channels == 1 { 1.5 } else { 0.51 };
                prop_assert!((f64::from(*to) - expected).abs() < most, "{} {}", from, to);
            }
        }
    }
}

#[test]
fn thin_lines_step_evenly() {
    let lines = mask("polyline 0 0 5 2 #ffffff 1; polyline 7 3 7 0 #ffffff 1", 8, 4);
    assert_eq!(picture(&lines, 8), ["##.....#", "..##...#", "....##.#", ".......#"]);
}

#[test]
fn boxes_have_their_size_and_square_corners() {
    let thin = picture(&mask("box 1 1 5 4 #ffffff 1", 8, 6), 8);
    assert_eq!(thin, ["........", ".#####..", ".#...#..", ".#...#..", ".#####..", "........"]);
    let thick = picture(&mask("box 2 2 4 4 #ffffff 2", 8, 7), 8);
    assert_eq!(thick[1..6], [".#####..", ".#####..", ".##.##..", ".#####..", ".#####.."]);
    assert_eq!([&thick[0], &thick[6]], ["........"; 2]);
    let cut = picture(&mask("box -3 -1 6 4 #ffffff 1", 4, 4), 4);
    assert_eq!(cut, ["..#.", "..#.", "###.", "...."]);
}

#[test]
fn later_shapes_lie_over_earlier_ones_and_no_shape_over_itself() {
    let both = "fill 0 0 3 1 #ffffff; fill 1 0 1 1 #000000";
    assert_eq!(mask(both, 4, 1), [255, 0, 255, 0]);
    // Half transparent lines that cross: the crossing is not brighter.
    let cross = mask("polyline 0 1 2 1 1 0 1 2 #ffffff80 1", 3, 3);
    assert!(cross.iter().all(|sample| [0, 128].contains(sample)), "{cross:?}");
}

#[test]
fn labels_stand_on_their_line() {
    let label = picture(&mask("label 2 14 #ffffff \"L\"", 20, 20), 20);
    let filled: Vec<usize> = (0..20).filter(|y| label[*y].contains(['#', '+'])).collect();
    assert_eq!(filled.last(), Some(&13), "{label:#?}");
    assert!((8..=12).contains(&filled.len()), "{label:#?}");
    // Its foot is wider than its top.
    let width = |y: usize| label[y].matches(['#', '+']).count();
    assert!(width(13) > 2 * width(filled[0]), "{label:#?}");
}

#[test]
fn labels_may_have_a_background() {
    let image = filled(PixelFormat::Rgb8, 60, 30, 9);
    let result = draw("label 10 20 #ffffff 'a b' #ff0000", &image);
    let reds = packed(&result).chunks(3).filter(|pixel| *pixel == [255, 0, 0]).count();
    let whites = packed(&result).chunks(3).filter(|pixel| pixel[1] > 100).count();
    assert!(reds > 150 && whites > 20, "{reds} {whites}");
    // Only spaces: nothing but the background.
    assert!(mask("label 3 15 #ffffff '   '", 30, 20).iter().all(|sample| *sample == 0));
}

#[test]
fn nothing_to_draw_is_no_work() {
    for shapes in ["", " ; \n ; "] {
        let values = Parameters::parse(ENTRY.definition, &parameters(shapes)).unwrap();
        let operation = (ENTRY.build)(&values).unwrap();
        let shape = filled(PixelFormat::Gray8, 2, 2, 0).shape();
        assert!(matches!(operation.cpu(shape), CpuWork::Nothing));
    }
}

#[test]
fn errors_name_the_statement_and_what_is_wrong() {
    for (shapes, message) in [
        ("box 1 2 3 4 #fff", "statement 1 of shapes: the colour must be like #ff8000, not #fff"),
        ("box 1 2 3 #ffffff", "statement 1 of shapes: the height must be a number, not #ffffff"),
        ("box 1 2 0 4 #ffffff", "statement 1 of shapes: the width must be at least 1, not 0"),
        ("; dot 1 2 -3 #ffffff", "statement 2 of shapes: the radius must be at least 0, not -3"),
        ("dot 1 2 3 #ffffff 4 5", "statement 1 of shapes: unexpected 4 after the statement"),
        ("fill 1 2 3 4", "statement 1 of shapes: the colour is missing"),
        (
            "fill 1 1 1 1 #000000\nbox 40000 2 3 4 #ffffff",
            "statement 2 of shapes: x must be from -32767 to 32767, not 40000",
        ),
        (
            "polyline 1 2 #ffffff",
            "statement 1 of shapes: lines need two points or more before the colour",
        ),
        ("polygon 1 2 3 #ffffff", "statement 1 of shapes: y must be a number, not #ffffff"),
        (
            "circle 1 2 3 #ffffff 65",
            "statement 1 of shapes: the thickness must be from 1 to 64, not 65",
        ),
        ("label 1 2 #ffffff cat", "statement 1 of shapes: the text must be in quotes"),
        ("label 1 2 #ffffff \"cat", "statement 1 of shapes: a \" is not closed"),
        (
            "label 1 2 #ffffff '猫'",
            "statement 1 of shapes: the font has no '猫'; text may have the letters of ASCII and \
             Latin-1",
        ),
        (
            "star 1 2",
            "statement 1 of shapes: there is no shape \"star\"; it must begin with box, fill, \
             polyline, polygon, circle, dot or label",
        ),
        ("box NaN 2 3 4 #ffffff", "statement 1 of shapes: x must be a number, not NaN"),
    ] {
        let error = error(shapes);
        assert_eq!((error.parameter.as_str(), error.message.as_str()), ("shapes", message));
        assert_eq!(error.allowed.len(), 7);
    }
}

/// What a request can make us remember is bounded.
#[test]
fn too_much_is_refused() {
    let lines = "polyline 0 -32767 9 32767 0 -32767 #ffffff 1;".repeat(40);
    assert!(error(&lines).message.ends_with("have more than 1048576 rows of pixels"));
    let labels = format!("label 0 0 #ffffff '{}';", "W".repeat(3000)).repeat(20);
    let mut given = parameters(&labels);
    given.insert("text_size".to_owned(), "200".to_owned());
    let values = Parameters::parse(ENTRY.definition, &given).unwrap();
    let error = (ENTRY.build)(&values).unwrap_err();
    assert!(error.message.ends_with("have more than 16777216 pixels"), "{error}");
}

/// Every letter of them can be drawn, and quotes can be in a text.
#[test]
fn the_font_has_ascii_and_latin_1() {
    for letter in (0x20..0x7f).chain(0xa0..0x100).filter_map(char::from_u32) {
        let quoted = if "\\\"".contains(letter) { format!("\\{letter}") } else { letter.into() };
        let drawn = mask(&format!("label 5 20 #ffffff \"{quoted}\""), 40, 30);
        // A soft hyphen shows, too: there is no line to break.
        let blank = [' ', '\u{a0}'].contains(&letter);
        assert_eq!(drawn.iter().all(|sample| *sample < 100), blank, "{letter:?}");
    }
}
