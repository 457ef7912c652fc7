//! A client that sends whatever bytes it is told to, as a client in another language might.

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

pub(crate) struct RawClient(BufReader<TcpStream>);

impl RawClient {
    pub(crate) async fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let mut client = Self(BufReader::new(stream));
        client.line().await;
        client.send(b"CONNECT {\"verbose\":false,\"headers\":true}\r\n").await;
        client.barrier().await;
        client
    }

    /// A message with those bytes as subject, reply subject and lines of headers.
    pub(crate) fn publication(
        subject: &[u8],
        reply: Option<&[u8]>,
        headers: Option<&[u8]>,
        payload: &[u8],
    ) -> Vec<u8> {
        let (verb, block, lengths) = match headers {
            Some(lines) => {
                let block = [b"NATS/1.0\r\n", lines, b"\r\n\r\n"].concat();
                let lengths = format!("{} {}", block.len(), block.len() + payload.len());
                (&b"HPUB "[..], block, lengths)
            }
            None => (&b"PUB "[..], Vec::new(), payload.len().to_string()),
        };
        let reply = reply.map(|reply| [b" ", reply].concat()).unwrap_or_default();
        let line = [verb, subject, &reply, b" ", lengths.as_bytes(), b"\r\n"].concat();
        [line.as_slice(), &block, payload, b"\r\n"].concat()
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// Waits until the broker has taken everything that was sent, and refused none of it.
    pub(crate) async fn barrier(&mut self) {
        self.send(b"PING\r\n").await;
        loop {
            match self.line().await.trim_end() {
                "PONG" => return,
                "PING" => self.send(b"PONG\r\n").await,
                line => assert!(line.starts_with("INFO"), "the broker said {line}"),
            }
        }
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        line
    }
}
