//! Pins the encoding: clients in other languages are built from the same numbers.

use bytes::Bytes;
use ocelli_messages::v1::{self, frame, output_format, step};
use prost::Message as _;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn request() -> v1::ProcessRequest {
    let filter = v1::FilterStep {
        id: "blur".into(),
        parameters: [("sigma".to_owned(), "1.5".to_owned()), ("kernel_size".into(), "7".into())]
            .into(),
    };
    v1::ProcessRequest {
        frame: Some(v1::Frame {
            stream: "cam-1".into(),
            sequence: 42,
            captured_at: Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 5 }),
            payload: Some(frame::Payload::Raw(v1::RawImage {
                width: 2,
                height: 1,
                stride: 2,
                format: v1::PixelFormat::Gray8.into(),
                data: Bytes::from_static(&[1, 255]),
            })),
        }),
        pipeline: Some(v1::Pipeline {
            steps: vec![v1::Step { kind: Some(step::Kind::Filter(filter)) }],
            output: Some(v1::OutputFormat {
                kind: Some(output_format::Kind::Encoded(v1::EncodedOutput {
                    codec: v1::ImageCodec::Jpeg.into(),
                    quality: 80,
                })),
            }),
            accelerator: v1::Accelerator::Cpu.into(),
        }),
    }
}

#[test]
fn a_process_request() {
    let bytes = request().encode_to_vec();
    assert_eq!(
        hex(&bytes),
        concat!(
            "0a21",
            "0a0563616d2d31", // stream
            "102a",           // sequence
            "1a080880e2cfaa061005",
            "220c0802100118022001",
            "2a0201ff",
            "1234",
            "0a280a26",
            "0a04626c7572",
            "12100a0b6b65726e656c5f73697a65120137",
            "120c0a057369676d611203312e35",
            "1206120408021050",
            "1802",
        )
    );
    assert_eq!(v1::ProcessRequest::decode(bytes.as_slice()).unwrap(), request());
}

#[test]
fn a_process_response() {
    let response = v1::ProcessResponse {
        frame: Some(v1::Frame {
            sequence: 7,
            payload: Some(frame::Payload::Encoded(v1::EncodedImage {
                codec: v1::ImageCodec::Webp.into(),
                data: Bytes::from_static(b"RIFF"),
            })),
            ..Default::default()
        }),
        steps: vec![v1::StepReport {
            id: "grayscale".into(),
            backend: v1::Accelerator::Cuda.into(),
            timing: Some(v1::Timing { queue_ns: 1, decode_ns: 2, compute_ns: 3, encode_ns: 4 }),
        }],
        error: None,
        timing: Some(v1::Timing { compute_ns: 300, ..Default::default() }),
        worker: "w".into(),
    };
    let bytes = response.encode_to_vec();
    assert_eq!(
        hex(&bytes),
        concat!(
            "0a0c10072a080803120452494646",
            "12170a09677261797363616c6510031a080801100218032004",
            "220318ac02",
            "2a0177",
        )
    );
    assert_eq!(v1::ProcessResponse::decode(bytes.as_slice()).unwrap(), response);
}

#[test]
fn a_tensor() {
    let frame = v1::Frame {
        payload: Some(frame::Payload::Tensor(v1::Tensor {
            element: v1::ElementType::F16.into(),
            shape: vec![1, 300],
            layout: "nc".into(),
            data: Bytes::from_static(&[7, 8]),
        })),
        ..Default::default()
    };
    let bytes = frame.encode_to_vec();
    assert_eq!(hex(&bytes), "3a0f0803120301ac021a026e6322020708");
    assert_eq!(v1::Frame::decode(bytes.as_slice()).unwrap(), frame);
}

#[test]
fn filters_and_errors() {
    let filters = v1::ListFiltersResponse {
        filters: vec![v1::FilterDefinition {
            id: "f".into(),
            name: "F".into(),
            description: "d".into(),
            parameters: vec![v1::FilterParameter {
                id: "p".into(),
                name: "P".into(),
                description: "d".into(),
                r#type: v1::ParameterType::Integer.into(),
                default_value: "1".into(),
                options: vec!["o".into()],
                minimum: Some(0.0),
                maximum: Some(2.0),
                step: Some(1.0),
                min_items: 3,
                max_items: 4,
                items_step: 5,
            }],
            formats: vec![v1::PixelFormat::Gray8.into(), v1::PixelFormat::Rgb8.into()],
            accelerators: vec![v1::Accelerator::Cpu.into()],
            tolerance: 1,
            family: "y".into(),
            notes: "n".into(),
        }],
        accelerators: vec![v1::Accelerator::Cpu.into()],
        version: "0.1.0".into(),
    };
    assert_eq!(
        hex(&filters.encode_to_vec()),
        concat!(
            "0a4c",
            "0a0166120146", // id, name
            "1a0164",       // description
            "22320a01701201501a016420022a013132016f",
            "390000000000000000410000000000000040", // minimum, maximum
            "49000000000000f03f",                   // step
            "500358046005",                         // min_items, max_items, items_step
            "2a020102320102",                       // formats, accelerators
            "3801",                                 // tolerance
            "4201794a016e",                         // family, notes
            "120102",
            "1a05302e312e30",
        )
    );
    let error = v1::Error {
        kind: v1::ErrorKind::Overloaded.into(),
        message: "m".into(),
        field: "f".into(),
        allowed: vec!["a".into()],
        retry_after_ms: 250,
        request_id: "r".into(),
    };
    assert_eq!(hex(&error.encode_to_vec()), "080812016d1a016622016128fa01320172");
}
