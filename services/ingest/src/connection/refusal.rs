//! Why the gateway ends connections, and what it says to their clients.

use std::time::{Duration, SystemTime};

use ocelli_actors::metrics::counter;
use ocelli_kit::problem::{self, Details};
use ocelli_messages::{ErrorKind, Failure, MessageContext};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::metrics::Metric;

/// How long the client of a connection that is not served may take to send something.
const ASK_WITHIN: Duration = Duration::from_secs(1);
/// How long a client may go on sending after it was told why it is not served. Cut off at once, it
/// would see a reset connection instead of the answer.
const LINGER: Duration = Duration::from_secs(2);

/// Why the gateway ends a connection or does not serve it: the label `reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The client does not read its answer, or too slowly.
    SlowAnswer,
    /// The client sends its body too slowly.
    SlowBody,
    /// The client does not send the whole head of a request.
    SlowHead,
    /// Its head is too large.
    HeadTooLarge,
    /// What the client sends is not HTTP.
    Malformed,
    /// What the client sends is TLS.
    Tls,
    /// It was idle when sockets were short.
    GaveWay,
    /// Too many connections have requests in hand.
    Full,
    /// The gateway stops.
    Draining,
}

impl Reason {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 9] = [
        Self::SlowAnswer,
        Self::SlowBody,
        Self::SlowHead,
        Self::HeadTooLarge,
        Self::Malformed,
        Self::Tls,
        Self::GaveWay,
        Self::Full,
        Self::Draining,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::SlowAnswer => "slow_answer",
            Self::SlowBody => "slow_body",
            Self::SlowHead => "slow_head",
            Self::HeadTooLarge => "head_too_large",
            Self::Malformed => "malformed",
            Self::Tls => "tls",
            Self::GaveWay => "gave_way",
            Self::Full => "full",
            Self::Draining => "draining",
        }
    }

    pub(crate) fn count(self) {
        counter(Metric::HttpConnectionsEnded, &[self.as_str()]).increment(1);
    }

    /// What the client is told; `None` if it can be told nothing.
    fn answer(self) -> Option<(&'static str, Failure)> {
        let soon = Duration::from_secs(1);
        let bad = |text: &str| Failure::new(ErrorKind::InvalidArgument, text);
        Some(match self {
            Self::SlowAnswer | Self::SlowBody | Self::GaveWay => return None,
            Self::SlowHead => {
                ("408 Request Timeout", bad("the head of the request did not arrive in time"))
            }
            Self::HeadTooLarge => (
                "431 Request Header Fields Too Large",
                Failure::new(ErrorKind::TooLarge, "the head of the request is too large"),
            ),
            Self::Malformed => ("400 Bad Request", bad("this is not an HTTP/1.1 request")),
            Self::Tls => (
                "400 Bad Request",
                bad("this port speaks plain HTTP: use http:// and not https://"),
            ),
            Self::Full => (
                "503 Service Unavailable",
                Failure::overloaded("too many connections have requests in progress", soon),
            ),
            Self::Draining => {
                ("503 Service Unavailable", Failure::unavailable("the gateway is stopping", soon))
            }
        })
    }

    fn response(self) -> Option<String> {
        let (status, failure) = self.answer()?;
        let context = MessageContext::new(SystemTime::now(), Duration::ZERO);
        let mut details = Details::new(&failure, &context.request_id);
        details.status = status.split(' ').next()?.parse().ok()?;
        let body = serde_json::to_string(&details).ok()?;
        let retry = if failure.retry_after.is_some() { "retry-after: 1\r\n" } else { "" };
        Some(format!(
            "HTTP/1.1 {status}\r\ncontent-type: {}\r\ncontent-length: {}\r\nconnection: close\r\n\
             ocelli-request-id: {}\r\n{retry}\r\n{body}",
            problem::CONTENT_TYPE,
            body.len(),
            context.request_id,
        ))
    }
}

/// Answers a client that is not served at all. It is let speak first: not every client understands
/// an answer to a question that it has not asked.
pub(super) async fn turn_away(reason: Reason, stream: TcpStream) {
    // Whatever comes of it, it is answered.
    drop(timeout(ASK_WITHIN, stream.readable()).await);
    tell(reason, stream).await;
}

/// Tells the client why its connection ends, and ends it.
pub(super) async fn tell(reason: Reason, mut stream: TcpStream) {
    let Some(response) = reason.response() else { return };
    let told = async {
        stream.write_all(response.as_bytes()).await?;
        stream.shutdown().await?;
        let mut nobody_reads = [0; 4_096];
        while stream.read(&mut nobody_reads).await? > 0 {}
        std::io::Result::Ok(())
    };
    // A client that does not listen loses nothing.
    drop(timeout(LINGER, told).await);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_lists_every_reason() {
        let metrics = include_str!("../../../../docs/reference/metrics.md");
        for reason in Reason::ALL {
            let entry = format!("{}: ", reason.as_str());
            assert!(metrics.contains(&entry), "{entry}");
        }
    }

    #[test]
    fn an_answer_is_whole_and_says_when_to_come_back() {
        let response = Reason::Draining.response().unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
        assert!(head.contains("\r\nretry-after: 1"), "{head}");
        assert!(head.contains("\r\nconnection: close"), "{head}");
        assert!(head.contains(&format!("\r\ncontent-length: {}\r\n", body.len())), "{head}");
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(problem["status"], 503);
        assert_eq!(problem["kind"], "unavailable");
    }
}
