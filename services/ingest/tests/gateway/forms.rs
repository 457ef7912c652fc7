//! `multipart/form-data`.

use ocelli_messages::{ErrorKind, v1};

use crate::support::{World, echo, png};

const FORM: [(&str, &str); 1] = [("Content-Type", "multipart/form-data; boundary=\"X-Y\"")];

fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, data) in parts {
        let head = format!("--X-Y\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(data);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--X-Y--\r\n");
    body
}

#[actix_web::test]
async fn an_image_and_parameters() {
    let world = World::new().await;
    let mut seen = world.worker(echo).await;
    let file = png(4, 4);
    for name in ["image", "file"] {
        let body = form(&[("filter", b"grayscale"), (name, &file), ("format", b"jpeg")]);
        let reply = world.post("?filter=blur", &FORM, &body).await;
        assert_eq!(reply.status, 200, "{}", reply.head);
        assert_eq!(reply.body, file);
        let seen = seen.recv().await.unwrap();
        assert_eq!(seen.encoded().data, file);
        let ids: Vec<_> = (seen.request.pipeline.unwrap().steps.into_iter())
            .map(|step| match step.kind {
                Some(v1::step::Kind::Filter(filter)) => filter.id,
                None => String::new(),
            })
            .collect();
        assert_eq!(ids, ["blur", "grayscale"], "the query's first");
    }
}

#[actix_web::test]
async fn raw_pixels() {
    let world = World::new().await;
    let mut seen = world.worker(echo).await;
    let body = form(&[
        ("width", b"2"),
        ("height", b"1"),
        ("pixel_format", b"rgb8"),
        ("image", b"\r\n--X-"),
    ]);
    let reply = world.post("", &FORM, &body).await;
    assert_eq!((reply.status, &reply.body[..]), (200, &b"\r-"[..]));
    assert_eq!(&seen.recv().await.unwrap().raw().data[..], b"\r\n--X-");
}

#[actix_web::test]
async fn forms_that_are_wrong() {
    let world = World::new().await;
    let file = png(4, 4);
    let twice = form(&[("format", b"png"), ("image", &file)]);
    let reply = world.post("?format=png", &FORM, &twice).await;
    reply.is_problem(ErrorKind::InvalidArgument, "format");

    let reply = world.post("", &FORM, &form(&[("filter", b"blur")])).await;
    let problem = reply.is_problem(ErrorKind::InvalidArgument, "body");
    assert_eq!(problem["allowed"], serde_json::json!(["image", "file"]));

    let reply = world.post("", &FORM, &form(&[("picture", &b"x"[..])])).await;
    let problem = reply.is_problem(ErrorKind::InvalidArgument, "picture");
    assert!(problem["allowed"].as_array().unwrap().contains(&"image".into()), "{problem}");

    let both = form(&[("image", &file), ("file", &file)]);
    world.post("", &FORM, &both).await.is_problem(ErrorKind::InvalidArgument, "body");
    let binary = form(&[("filter", b"\xff\xfe"), ("image", &file)]);
    world.post("", &FORM, &binary).await.is_problem(ErrorKind::InvalidArgument, "filter");
    world.post("", &FORM, b"no form").await.is_problem(ErrorKind::InvalidArgument, "body");
    let no_image = form(&[("image", b"no image")]);
    world.post("", &FORM, &no_image).await.is_problem(ErrorKind::Unsupported, "body");

    let claim = [("Content-Type", "multipart/form-data")];
    let reply = world.post("", &claim, &twice).await;
    reply.is_problem(ErrorKind::InvalidArgument, "Content-Type");
}
