//! The system's HTTP interface, as a client sees it.

use std::{sync::LazyLock, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use ocelli_testkit::patiently;
use reqwest::{Client, Method, Url};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    outcome::{Outcome, Processed, Refusal},
    picture::Picture,
};

static CLIENT: LazyLock<Client> = LazyLock::new(Client::new);

/// Query parameters, in order.
pub(crate) type Query = Vec<(String, String)>;

/// The query `a=1&b=2` of a feature file; values stand there as they are meant.
pub(crate) fn query(text: &str) -> Query {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// A response.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Bytes,
}

/// Sends a request and takes the whole response.
pub(crate) async fn send(
    method: Method,
    url: &str,
    query: &[(String, String)],
    headers: &[(&str, &str)],
    body: impl Into<reqwest::Body>,
) -> Result<Answer> {
    let mut url = Url::parse(url)?;
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    let mut request = CLIENT.request(method, url.clone()).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = patiently(url.as_str(), async {
        let response = request.send().await?;
        let status = response.status().as_u16();
        let text = |value: &reqwest::header::HeaderValue| {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        };
        let headers = response.headers().iter();
        let headers = headers.map(|(name, value)| (name.to_string(), text(value))).collect();
        anyhow::Ok(Answer { status, headers, body: response.bytes().await? })
    });
    response.await?.with_context(|| url.to_string())
}

/// Reads that address.
pub(crate) async fn get(url: &str) -> Result<Answer> {
    send(Method::GET, url, &[], &[], "").await
}

/// Posts a picture to be processed.
pub(crate) async fn process(
    base: &str,
    query: &[(String, String)],
    headers: &[(&str, &str)],
    body: impl Into<reqwest::Body>,
) -> Result<Answer> {
    send(Method::POST, &format!("{base}/api/v1/process/image"), query, headers, body).await
}

impl Answer {
    /// A header; names in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn needed(&self, name: &str) -> Result<&str> {
        self.header(name).with_context(|| format!("no header {name} in {:?}", self.headers))
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("{}: {}", self.status, String::from_utf8_lossy(&self.body)))
    }

    /// What came of a request to process a picture.
    pub(crate) fn outcome(&self) -> Result<Outcome> {
        Ok(if self.status == 200 { Ok(self.processed()?) } else { Err(self.refusal()?) })
    }

    fn processed(&self) -> Result<Processed> {
        let picture = match self.needed("content-type")? {
            "application/octet-stream" => {
                let number = |name| anyhow::Ok(self.needed(name)?.parse::<usize>()?);
                let size = (number("ocelli-width")?, number("ocelli-height")?);
                let channels = match self.needed("ocelli-pixel-format")? {
                    "gray8" => 1,
                    "rgb8" => 3,
                    "rgba8" => 4,
                    other => bail!("unexpected pixel format {other:?}"),
                };
                Picture::from_raw(size, number("ocelli-stride")?, channels, &self.body)?
            }
            _ => Picture::from_file(&self.body)?,
        };
        let timing = self.needed("server-timing")?;
        ensure!(timing.contains("total;dur="), "Server-Timing: {timing}");
        Ok(Processed {
            picture,
            backend: self.needed("ocelli-backend")?.to_owned(),
            worker: self.needed("ocelli-worker")?.to_owned(),
        })
    }

    /// The refusal; every rule of RFC 9457 and of this project that holds for all of them is
    /// checked here.
    pub(crate) fn refusal(&self) -> Result<Refusal> {
        ensure!(self.status >= 400, "status {} is no refusal", self.status);
        let media_type = self.needed("content-type")?;
        ensure!(media_type == "application/problem+json", "{}: {media_type}", self.status);
        let body = self.json()?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
        let kind = text("kind");
        ensure!(text("type") == format!("urn:ocelli:problem:{kind}"), "{body}");
        ensure!(!text("title").is_empty() && !text("detail").is_empty(), "{body}");
        ensure!(body.get("status").and_then(Value::as_u64) == Some(self.status.into()), "{body}");
        let request_id = text("request_id");
        ensure!(self.header("ocelli-request-id") == Some(&request_id), "{self:?}");
        let retry_after = self.header("retry-after").map(str::parse).transpose()?;
        let retry_after_ms = body.get("retry_after_ms").and_then(Value::as_u64);
        ensure!(retry_after.is_some() == retry_after_ms.is_some(), "{self:?}");
        let allowed = body.get("allowed").and_then(Value::as_array).cloned().unwrap_or_default();
        Ok(Refusal {
            status: self.status,
            kind,
            message: text("detail"),
            field: text("field"),
            allowed: allowed.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            retry_after_ms,
            retry_after,
            request_id,
        })
    }
}

/// How the body of a [`send_unread`] request states its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// In the header, and not one byte of the body is sent.
    Stated(u64),
    /// In chunks, of which there is no end.
    Chunked,
}

/// Sends a request whose body never ends, and takes the answer that must come nevertheless.
///
/// By hand, because an HTTP client would report the connection that the server then closes.
pub(crate) async fn send_unread(base: &str, length: Length) -> Result<Answer> {
    let host = base.strip_prefix("http://").context("not an http address")?;
    let (mut reader, mut writer) = TcpStream::connect(host).await?.into_split();
    let framing = match length {
        Length::Stated(bytes) => format!("content-length: {bytes}"),
        Length::Chunked => "transfer-encoding: chunked".to_owned(),
    };
    let head = format!("POST /api/v1/process/image HTTP/1.1\r\nhost: {host}\r\n{framing}\r\n\r\n");
    writer.write_all(head.as_bytes()).await?;
    let sending = tokio::spawn(async move {
        let chunk = format!("{:x}\r\n{}\r\n", 65_536, "x".repeat(65_536));
        // Until the server closes the connection, or until this task is aborted.
        while length == Length::Chunked && writer.write_all(chunk.as_bytes()).await.is_ok() {}
        tokio::time::sleep(Duration::from_secs(3600)).await;
    });
    let mut received = Vec::new();
    let answer = patiently("an answer before the end of the body", async {
        loop {
            if let Some(answer) = parse(&received)? {
                return anyhow::Ok(answer);
            }
            let count = reader.read_buf(&mut received).await?;
            ensure!(count > 0, "closed after {:?}", String::from_utf8_lossy(&received));
        }
    });
    let answer = answer.await;
    sending.abort();
    answer?
}

/// The response, once it is there completely.
fn parse(received: &[u8]) -> Result<Option<Answer>> {
    let text = String::from_utf8_lossy(received);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return Ok(None);
    };
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).context("no status line")?;
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let answer = Answer { status: status.parse()?, headers, body: body.to_owned().into() };
    let length: usize = answer.needed("content-length")?.parse()?;
    Ok((answer.body.len() >= length).then_some(answer))
}
