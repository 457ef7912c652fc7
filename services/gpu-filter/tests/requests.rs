//! Requests and their answers, over a real broker.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use common::{context, with_gpu, with_service};
use futures::StreamExt as _;
use ocelli_kit::host::Clock;
use ocelli_messages::{Deadline, ErrorKind, Limits, v1};
use ocelli_testkit::{
    PATIENCE, eventually,
    frames::{encoded, grey_pixels, raw, request, step},
    gpu::FakeGpu,
};
use prost::Message as _;

fn pixels(response: v1::ProcessResponse) -> v1::RawImage {
    match response.frame.unwrap().payload.unwrap() {
        v1::frame::Payload::Raw(raw) => raw,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_empty_pipeline_hands_the_frame_back() {
    with_service(
        |_| {},
        async |service| {
            let mut frame = grey_pixels(3, 1, [1, 2, 3]);
            frame.stream = "cam".into();
            frame.sequence = 9;
            let response = service.process(&request(frame.clone(), vec![])).await.unwrap();
            let returned = response.frame.clone().unwrap();
            assert_eq!((returned.stream.as_str(), returned.sequence), ("cam", 9));
            assert!(response.worker.starts_with("gpu-filter-"));
            assert_eq!(pixels(response).data, Bytes::from_static(&[1, 2, 3]));
        },
    );
}

#[test]
fn a_chain_reports_each_step() {
    with_service(
        |_| {},
        async |service| {
            let frame = raw(2, 2, v1::PixelFormat::Rgb8, [255; 12]);
            let steps = vec![step("grayscale", &[]), step("blur", &[("sigma", "2")])];
            let response = service.process(&request(frame, steps)).await.unwrap();
            let ids: Vec<_> = response.steps.iter().map(|step| step.id.as_str()).collect();
            assert_eq!(ids, ["grayscale", "blur"]);
            assert!(response.steps.iter().all(|step| step.backend() == v1::Accelerator::Cpu));
            let timing = response.timing.unwrap();
            let sum: u64 = response.steps.iter().map(|s| s.timing.unwrap().compute_ns).sum();
            assert_eq!(timing.compute_ns, sum);
            assert!(timing.queue_ns > 0);
            let image = pixels(response);
            assert_eq!(image.format(), v1::PixelFormat::Gray8);
            assert_eq!(image.data, Bytes::from_static(&[255; 4]));
        },
    );
}

#[test]
fn every_raw_format_is_taken_and_written() {
    with_service(
        |_| {},
        async |service| {
            use v1::PixelFormat as F;
            for (format, length) in [
                (F::Gray8, 8),
                (F::Rgb8, 24),
                (F::Bgr8, 24),
                (F::Rgba8, 32),
                (F::Nv12, 12),
                (F::I420, 12),
            ] {
                for wanted in [F::Gray8, F::Rgb8, F::Bgr8, F::Rgba8, F::Nv12, F::I420] {
                    let mut request = request(raw(4, 2, format, vec![200; length]), vec![]);
                    let output =
                        v1::output_format::Kind::Raw(v1::RawOutput { format: wanted.into() });
                    request.pipeline.as_mut().unwrap().output =
                        Some(v1::OutputFormat { kind: Some(output) });
                    let image = pixels(service.process(&request).await.unwrap());
                    assert_eq!((image.width, image.height, image.format()), (4, 2, wanted));
                }
            }
        },
    );
}

#[test]
fn half_a_chroma_sample_is_not_written() {
    with_service(
        |_| {},
        async |service| {
            let mut request = request(raw(3, 2, v1::PixelFormat::Gray8, [200; 6]), vec![]);
            let wanted = v1::RawOutput { format: v1::PixelFormat::Nv12.into() };
            request.pipeline.as_mut().unwrap().output =
                Some(v1::OutputFormat { kind: Some(v1::output_format::Kind::Raw(wanted)) });
            let failure = service.process(&request).await.unwrap_err();
            assert_eq!(failure.kind, ErrorKind::InvalidArgument);
            assert_eq!(failure.field, "pipeline.output.raw.format");
            assert!(failure.message.contains("3x2"), "{}", failure.message);
        },
    );
}

#[test]
fn results_over_the_limits_are_refused_before_they_are_made() {
    with_service(
        |_| {},
        async |service| {
            let parameters = [("width", "16000"), ("height", "16000")];
            let steps = vec![step("resize", &parameters)];
            let failure =
                service.process(&request(grey_pixels(2, 2, [9; 4]), steps)).await.unwrap_err();
            assert_eq!(failure.kind, ErrorKind::TooLarge);
            assert_eq!(failure.field, "pipeline.steps");
            assert!(failure.message.contains("16000x16000"), "{}", failure.message);
            // Also if a later step makes it small again, and for numbers.
            let steps = vec![step("resize", &parameters), step("crop", &[("width", "1")])];
            let failure =
                service.process(&request(grey_pixels(2, 2, [9; 4]), steps)).await.unwrap_err();
            assert_eq!(failure.kind, ErrorKind::TooLarge);
            let steps = vec![step("normalize_to_tensor", &parameters)];
            let failure =
                service.process(&request(grey_pixels(2, 2, [9; 4]), steps)).await.unwrap_err();
            assert_eq!((failure.kind, &*failure.field), (ErrorKind::TooLarge, "pipeline.steps"));
            assert!(failure.message.contains("tensor of"), "{}", failure.message);
        },
    );
}

#[test]
fn a_step_that_does_not_fit_the_image_says_which_parameter() {
    with_service(
        |_| {},
        async |service| {
            let steps = vec![step("invert", &[]), step("crop", &[("x", "7"), ("width", "9")])];
            let failure =
                service.process(&request(grey_pixels(8, 8, [9; 64]), steps)).await.unwrap_err();
            assert_eq!(failure.kind, ErrorKind::InvalidArgument);
            let place = "pipeline.steps[1].filter.parameters.";
            assert!(failure.field.starts_with(place), "{}", failure.field);
            assert!(!failure.allowed.is_empty());
        },
    );
}

#[test]
fn tensors_are_results_and_have_no_codec() {
    with_service(
        |_| {},
        async |service| {
            let mut request = request(grey_pixels(2, 2, [5; 4]), vec![step("histogram", &[])]);
            let response = service.process(&request).await.unwrap();
            let payload = response.frame.unwrap().payload;
            let Some(v1::frame::Payload::Tensor(tensor)) = payload else { panic!("{payload:?}") };
            assert_eq!(
                (tensor.element(), &tensor.shape[..]),
                (v1::ElementType::U32, &[1, 256][..])
            );
            assert_eq!(tensor.data[20..24], 4_u32.to_le_bytes());
            let png = v1::EncodedOutput { codec: v1::ImageCodec::Png.into(), quality: 0 };
            request.pipeline.as_mut().unwrap().output =
                Some(v1::OutputFormat { kind: Some(v1::output_format::Kind::Encoded(png)) });
            let failure = service.process(&request).await.unwrap_err();
            assert_eq!(failure.field, "pipeline.output");
            let back = v1::Frame {
                payload: Some(v1::frame::Payload::Tensor(tensor)),
                ..Default::default()
            };
            request.frame = Some(back);
            let failure = service.process(&request).await.unwrap_err();
            assert_eq!((failure.kind, &*failure.field), (ErrorKind::Unsupported, "frame.tensor"));
        },
    );
}

#[test]
fn frames_of_video_decoders_become_the_input_of_a_model() {
    with_service(
        |_| {},
        async |service| {
            // White on the left, black on the right; no colour.
            let luma = [235, 235, 16, 16].repeat(2);
            let planes = [luma, vec![128; 4]].concat();
            let steps = vec![step("normalize_to_tensor", &[("element", "u8")])];
            for format in [v1::PixelFormat::Nv12, v1::PixelFormat::I420] {
                let request = request(raw(4, 2, format, &planes), steps.clone());
                let payload = service.process(&request).await.unwrap().frame.unwrap().payload;
                let Some(v1::frame::Payload::Tensor(tensor)) = payload else {
                    panic!("{payload:?}")
                };
                assert_eq!(tensor.shape, [1, 3, 2, 4]);
                assert_eq!(tensor.data, [255, 255, 0, 0].repeat(6), "{format:?}");
            }
        },
    );
}

#[test]
fn wrong_requests_say_what_and_where() {
    with_service(
        |_| {},
        async |service| {
            let good = || grey_pixels(1, 1, [0]);
            let cases = [
                (
                    request(grey_pixels(2, 2, [0; 3]), vec![]),
                    ErrorKind::InvalidArgument,
                    "frame.raw.data",
                ),
                (
                    request(grey_pixels(0, 2, b""), vec![]),
                    ErrorKind::InvalidArgument,
                    "frame.raw.width",
                ),
                (request(encoded(b""), vec![]), ErrorKind::InvalidArgument, "frame.encoded.data"),
                (request(encoded(b"text"), vec![]), ErrorKind::Unsupported, "frame.encoded.data"),
                (
                    request(good(), vec![step("nope", &[])]),
                    ErrorKind::InvalidArgument,
                    "pipeline.steps[0].filter.id",
                ),
                (
                    request(
                        good(),
                        vec![step("grayscale", &[]), step("blur", &[("sigma", "101")])],
                    ),
                    ErrorKind::InvalidArgument,
                    "pipeline.steps[1].filter.parameters.sigma",
                ),
                (
                    request(good(), vec![step("blur", &[("kernel_size", "4")])]),
                    ErrorKind::InvalidArgument,
                    "pipeline.steps[0].filter.parameters.kernel_size",
                ),
                (
                    request(good(), vec![step("blur", &[("strength", "4")])]),
                    ErrorKind::InvalidArgument,
                    "pipeline.steps[0].filter.parameters.strength",
                ),
                (
                    request(good(), vec![v1::Step::default()]),
                    ErrorKind::InvalidArgument,
                    "pipeline.steps[0]",
                ),
                (
                    request(good(), vec![step("grayscale", &[]); 33]),
                    ErrorKind::TooLarge,
                    "pipeline.steps",
                ),
                (
                    v1::ProcessRequest { frame: None, pipeline: None },
                    ErrorKind::InvalidArgument,
                    "frame",
                ),
            ];
            for (request, kind, field) in cases {
                let failure = service.process(&request).await.unwrap_err();
                assert_eq!((failure.kind, failure.field.as_str()), (kind, field), "{failure}");
            }
            let unknown =
                service.process(&request(good(), vec![step("nope", &[])])).await.unwrap_err();
            assert!(unknown.allowed.contains(&"blur".to_owned()), "{:?}", unknown.allowed);
        },
    );
}

#[test]
fn a_message_that_is_none_is_answered() {
    with_service(
        |_| {},
        async |service| {
            let sent = service.send(Bytes::from_static(&[0xff, 0xff]), &context(PATIENCE)).await;
            assert_eq!(sent.unwrap_err().kind, ErrorKind::InvalidArgument);
        },
    );
}

#[test]
fn a_header_that_claims_too_many_pixels_is_refused_before_they_exist() {
    with_service(
        |_| {},
        async |service| {
            // The signature and IHDR of a PNG of 60,000 × 60,000 pixels: 10.8 GB.
            let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
            png.extend(60_000u32.to_be_bytes());
            png.extend(60_000u32.to_be_bytes());
            png.extend([8, 2, 0, 0, 0, 0, 0, 0, 0]);
            let failure = service.process(&request(encoded(&png), vec![])).await.unwrap_err();
            assert_eq!(failure.kind, ErrorKind::TooLarge);
            assert!(failure.message.contains("60000"), "{failure}");
        },
    );
}

#[test]
fn a_deadline_that_passed_is_not_worked_on() {
    with_service(
        |_| {},
        async |service| {
            let mut late = context(PATIENCE);
            late.deadline = Deadline::from_unix_ms(1);
            let subject = "ocelli.v1.default.req.filter.process";
            let mut headers = async_nats::HeaderMap::new();
            headers.insert("Ocelli-Deadline", late.deadline.to_string());
            headers.insert("Ocelli-Request-Id", "late-1");
            let payload =
                request(grey_pixels(1, 1, [0]), vec![step("panics", &[])]).encode_to_vec();
            let answer = service
                .client
                .client()
                .request_with_headers(subject, headers, payload.into())
                .await
                .unwrap();
            let headers = answer.headers.unwrap();
            assert_eq!(headers.get("Nats-Service-Error-Code").unwrap().as_str(), "504");
            assert_eq!(headers.get("Ocelli-Request-Id").unwrap().as_str(), "late-1");
            assert!(headers.get("traceparent").is_some());
            let error = v1::Error::decode(answer.payload).unwrap();
            assert_eq!(error.kind(), v1::ErrorKind::DeadlineExceeded);
            assert_eq!(error.request_id, "late-1");
        },
    );
}

#[test]
fn a_panic_fails_only_its_own_request() {
    with_service(
        |_| {},
        async |service| {
            let bad = request(grey_pixels(1, 1, [0]), vec![step("panics", &[])]);
            let good = request(grey_pixels(1, 1, [7]), vec![step("blur", &[])]);
            for round in 1..=3 {
                assert_eq!(service.process(&bad).await.unwrap_err().kind, ErrorKind::Internal);
                assert_eq!(
                    pixels(service.process(&good).await.unwrap()).data,
                    Bytes::from_static(&[7])
                );
                eventually("the restart is counted", || {
                    service.restarts("cpu-worker-0") + service.restarts("cpu-worker-1") == round
                })
                .await
                .unwrap();
            }
            let refused = service.process(&bad).await.unwrap_err();
            assert_eq!(refused.kind, ErrorKind::Unavailable);
            assert!(refused.message.contains("panics"), "{refused}");
            assert!(service.process(&good).await.is_ok());
        },
    );
}

#[test]
fn more_requests_than_credits_are_all_answered() {
    let configure = |parts: &mut ocelli_gpu_filter::Parts| {
        parts.config.credits = 4;
        parts.config.waiting = 4;
        parts.config.patience_ms = 10_000;
    };
    with_service(configure, async |service| {
        let work = request(grey_pixels(1, 1, [0]), vec![step("sleeps", &[])]);
        let answers: Vec<_> = futures::stream::iter(0..32)
            .map(|_| service.process(&work))
            .buffer_unordered(32)
            .collect()
            .await;
        let done = answers.iter().filter(|answer| answer.is_ok()).count();
        // One of the credits is kept for other callers.
        assert!(done >= 7, "only {done} were done");
        assert!(done < 32, "nothing was refused");
        for failure in answers.into_iter().filter_map(Result::err) {
            assert_eq!(failure.kind, ErrorKind::Overloaded);
            // Said by the credits, and not by the device's queue behind them.
            assert!(failure.message.contains("requests are waiting"), "{failure}");
            assert!(failure.retry_after.unwrap() > Duration::ZERO);
        }
    });
}

#[test]
fn a_result_over_the_brokers_limit_is_said() {
    let configure = |parts: &mut ocelli_gpu_filter::Parts| {
        parts.limits = Limits { max_pixels: u64::MAX, ..Limits::default() };
    };
    with_service(configure, async |service| {
        let png = {
            let size = ocelli_kernels::Size::new(3000, 3000).unwrap();
            let pool = ocelli_kernels::Pool::new(0);
            let zeros = pool.take(27_000_000);
            let image =
                ocelli_kernels::Image::packed(size, ocelli_kernels::PixelFormat::Rgb8, zeros);
            let png = ocelli_kernels::codec::Codec::Png;
            ocelli_kernels::codec::encode(&image.unwrap(), png, 90, usize::MAX, &pool).unwrap()
        };
        let mut request = request(encoded(&png), vec![]);
        let output = v1::output_format::Kind::Raw(v1::RawOutput::default());
        request.pipeline.as_mut().unwrap().output = Some(v1::OutputFormat { kind: Some(output) });
        let failure = service.process(&request).await.unwrap_err();
        assert_eq!(failure.kind, ErrorKind::TooLarge);
        assert_eq!(failure.field, "pipeline.output");
    });
}

#[test]
fn a_gpu_is_asked_for_where_there_is_none() {
    let configure = |parts: &mut ocelli_gpu_filter::Parts| {
        parts.config.backend = ocelli_gpu_filter::BackendUse::Cpu;
    };
    with_service(configure, async |service| {
        let mut request = request(grey_pixels(1, 1, [0]), vec![step("blur", &[])]);
        request.pipeline.as_mut().unwrap().accelerator = v1::Accelerator::Cuda.into();
        let failure = service.process(&request).await.unwrap_err();
        assert_eq!(failure.kind, ErrorKind::Unsupported);
        assert_eq!(failure.field, "pipeline.accelerator");
        assert_eq!(failure.allowed, ["AUTO", "CPU"]);
    });
}

#[test]
fn it_is_a_service_of_nats() {
    with_service(
        |_| {},
        async |service| {
            service.process(&request(grey_pixels(1, 1, [0]), vec![])).await.unwrap();
            service.process(&request(grey_pixels(1, 1, b""), vec![])).await.unwrap_err();
            let ask = async |subject: &'static str| {
                let nats = service.client.client();
                let answer = nats.request(subject, Bytes::new()).await.unwrap();
                serde_json::from_slice::<serde_json::Value>(&answer.payload).unwrap()
            };
            let ping = ask("$SRV.PING").await;
            assert_eq!(ping["name"], "gpu-filter");
            assert_eq!(ping["metadata"]["backends"], "cpu");
            let info = ask("$SRV.INFO.gpu-filter").await;
            let subjects: Vec<_> = info["endpoints"]
                .as_array()
                .unwrap()
                .iter()
                .map(|e| e["subject"].clone())
                .collect();
            assert_eq!(subjects, ["ocelli.v1.*.req.filter.process", "ocelli.v1.*.req.filter.list"]);
            let stats = ask("$SRV.STATS.gpu-filter.test").await;
            assert_eq!(stats["endpoints"][0]["num_requests"], 2);
            assert_eq!(stats["endpoints"][0]["num_errors"], 1);
            assert!(stats["endpoints"][0]["last_error"].as_str().unwrap().contains("invalid"));
        },
    );
}

#[test]
fn the_filters_are_listed_as_they_are_defined() {
    with_service(
        |_| {},
        async |service| {
            let ask = async |accelerator: v1::Accelerator| {
                let request = v1::ListFiltersRequest { accelerator: accelerator.into() };
                let subject =
                    ocelli_messages::subjects::FILTER_LIST.of(&ocelli_messages::Tenant::default());
                let payload = request.encode_to_vec().into();
                let answer = service.client.request(&subject, &context(PATIENCE), payload).await;
                v1::ListFiltersResponse::decode(answer.unwrap()).unwrap()
            };
            let all = ask(v1::Accelerator::Auto).await;
            let blur = all.filters.iter().find(|filter| filter.id == "blur").unwrap();
            let size = blur.parameters.iter().find(|p| p.id == "kernel_size").unwrap();
            assert_eq!(
                (size.minimum, size.maximum, size.step),
                (Some(1.0), Some(255.0), Some(2.0))
            );
            assert_eq!(size.default_value, "5");
            assert!(ask(v1::Accelerator::Cuda).await.filters.is_empty());
        },
    );
}

#[test]
fn work_under_way_is_finished_when_the_service_stops() {
    let gpu = FakeGpu::default();
    with_service(
        |parts| with_gpu(parts, &gpu),
        async |service| {
            let mut work = request(grey_pixels(1, 1, [0]), vec![step("invert", &[])]);
            work.pipeline.as_mut().unwrap().accelerator = v1::Accelerator::Cuda.into();
            gpu.hold();
            let stop = async {
                let under_way = || service.under_way() == 4;
                eventually("four requests are under way", under_way).await.unwrap();
                // The work goes on only after the service was told to stop.
                let release = async { gpu.release() };
                tokio::join!(biased; service.service.shutdown(PATIENCE), release).0
            };
            let requests = futures::future::join_all((0..4).map(|_| service.process(&work)));
            let (answers, stopped) = tokio::join!(requests, stop);
            assert!(matches!(stopped, ocelli_actors::supervisor::Exit::Drained), "{stopped:?}");
            assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        },
    );
}

#[test]
fn a_deadline_is_compared_with_the_clock_of_the_host() {
    with_service(
        // A day ahead of everybody else.
        |parts| parts.clock = Clock::reading(|| SystemTime::now() + Duration::from_hours(24)),
        async |service| {
            let work = request(grey_pixels(1, 1, [0]), vec![step("invert", &[])]);
            let late = service.process(&work).await.unwrap_err();
            assert_eq!(late.kind, ErrorKind::DeadlineExceeded);
        },
    );
}
