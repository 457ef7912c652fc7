//! Mutated requests: whatever a caller sends, it becomes a plan within the limits or an error that
//! can be sent.
//!
//! `OCELLI_FUZZ_SECONDS` makes each go on for that long.

use ocelli_messages::parse_filter;
use ocelli_testkit::{
    frames::{encoded, grey, png, raw, request, rgb, step},
    fuzz::Fuzz,
};
use prost::Message as _;

use super::*;

/// Small, so that a plan over them is soon found.
const LIMITS: Limits =
    Limits { max_encoded_bytes: 64 << 10, max_side_px: 2_000, max_pixels: 1 << 20, max_steps: 8 };

/// Checks a request as the worker does, and what comes of it. Returns whether it became a plan.
fn check(request: v1::ProcessRequest, catalog: &Catalog) -> bool {
    let plan = match Plan::check(request, catalog, &LIMITS) {
        Ok(plan) => plan,
        Err(failure) => {
            let bytes = failure.to_wire("id").encoded_len();
            assert!(bytes < 8 * 1024, "{bytes} bytes: {failure:?}");
            assert!(!failure.message.is_empty(), "{failure:?}");
            return false;
        }
    };
    assert!(plan.chain.len() <= LIMITS.max_steps);
    let input = plan.payload.shape();
    assert!(LIMITS.allow(input.size), "{input:?}");
    assert!(plan.payload.bytes() <= 4 << 20);
    assert!(!matches!(plan.output, Output::Encoded(_, 0 | 101..)));
    if let Some(planned) = &plan.planned {
        let mut sizes = planned.results().map(|result| result.size);
        assert!(sizes.all(|size| size == input.size || LIMITS.allow(size)), "{planned:?}");
        let tensor = planned.tensor().map_or(0, |tensor| tensor.bytes() as u64);
        assert!(tensor <= 4 * LIMITS.max_pixels, "{planned:?}");
    }
    true
}

#[test]
fn bytes_of_a_request() {
    let blur = step("blur", &[("sigma", "1.5")]);
    let mut file = request(encoded(png(9, 7).unwrap()), vec![step("grayscale", &[]), blur]);
    let quality = v1::EncodedOutput { codec: v1::ImageCodec::Jpeg.into(), quality: 80 };
    let kind = Some(v1::output_format::Kind::Encoded(quality));
    let pipeline = file.pipeline.get_or_insert_default();
    pipeline.output = Some(v1::OutputFormat { kind });
    pipeline.accelerator = v1::Accelerator::Cuda.into();
    let nv12 = raw(8, 4, v1::PixelFormat::Nv12, [7; 48]);
    let requests = [
        request(grey(4, 4), vec![]),
        request(rgb(4, 4), vec![step("crop", &[("width", "2"), ("height", "2")])]),
        request(nv12, vec![step("resize", &[("width", "16"), ("height", "16")])]),
        file,
    ];
    let words = [
        // Numbers of a varint: many, the largest, and one that has no end.
        &b"\xff\xff\xff\xff\x0f"[..],
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x08\x80\x10",
        b"\x10\x80\x10",
        b"\x18\x01",
        b"\x20\x06",
        // Fields, empty and of types that they do not have.
        b"\x0a\x00",
        b"\x12\x00",
        b"\x22\x00",
        b"\x2a\x00",
        b"\x32\x00",
        b"\x3a\x00",
        b"\x0b",
        b"\x0c",
        b"\x0d\x00\x00\x00\x00",
        b"resize",
        b"width",
        b"nan",
        b"-1",
    ];
    let catalog = Catalog::standard();
    let corpus = requests.map(|request| request.encode_to_vec());
    let fuzz = Fuzz::new("protobuf request", corpus).words(&words);
    fuzz.run(|bytes| v1::ProcessRequest::decode(bytes).is_ok_and(|read| check(read, &catalog)))
        .unwrap();
}

/// A filter a line, as the command line takes it, on a frame whose shape the first line says.
#[test]
fn filters_and_their_parameters() {
    let catalog = Catalog::standard();
    let definitions = || catalog.definitions();
    let parameters = definitions().flat_map(|filter| filter.parameters);
    let mut words: Vec<String> = definitions().map(|filter| format!("\n{}:", filter.id)).collect();
    words.extend(parameters.map(|parameter| format!(",{}=", parameter.id)));
    words.extend(definitions().map(|filter| format!("\n{}", filter.id)));
    let texts = [
        "\n",
        ":",
        ",",
        "=",
        " ",
        ";",
        "-1",
        "0",
        "1",
        "1e39",
        "nan",
        "inf",
        "1e-300",
        "#ff0000",
        "2000",
        "4294967296",
        "18446744073709551616",
        "1.5",
        "auto",
        "box 0 0 5 5 #ff0000",
    ];
    let words: Vec<&str> = words.iter().map(String::as_str).chain(texts).collect();
    let corpus = [
        "8 8 1",
        "9 7 2\nblur:sigma=1.5\ngrayscale",
        "8 4 5\nresize:width=16,height=16\ncrop:width=4,height=4",
        "8 8 4\nrotate:angle=90",
        "8 8 6\nnormalize_to_tensor",
    ];
    let run = Fuzz::new("filters and parameters", corpus).words(&words).run(|text| {
        let text = String::from_utf8_lossy(text);
        let mut lines = text.lines();
        let numbers = lines.next().unwrap_or_default().split(' ');
        let numbers: Vec<u32> = numbers.filter_map(|number| number.parse().ok()).collect();
        let [width, height, format] = numbers[..] else { return false };
        let Ok(format) = v1::PixelFormat::try_from((format % 8).cast_signed()) else {
            return false;
        };
        let Ok(filters) = lines.map(parse_filter).collect::<Result<Vec<_>, _>>() else {
            return false;
        };
        let kind = |filter| v1::Step { kind: Some(v1::step::Kind::Filter(filter)) };
        let pixels = u64::from(width) * u64::from(height);
        let layout = ocelli_kernels::PixelFormat::try_from(format);
        // So that the length of the pixels is right, unless they are too many.
        let bytes = match (ocelli_kernels::Size::new(width, height), layout) {
            (Some(size), Ok(layout)) if pixels <= LIMITS.max_pixels => {
                Shape::new(size, layout).bytes()
            }
            _ => 0,
        };
        let frame = raw(width, height, format, vec![0; bytes]);
        check(request(frame, filters.into_iter().map(kind).collect()), &catalog)
    });
    run.unwrap();
}
