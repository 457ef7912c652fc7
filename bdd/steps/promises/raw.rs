//! Clients that do what no library would.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use ocelli_testkit::patiently;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpSocket, TcpStream},
};

/// Sends a complete request to process an image, and reads nothing.
pub(crate) async fn post(base: &str, query: &str, body: &[u8]) -> Result<TcpStream> {
    let host = base.strip_prefix("http://").context("not an http address")?;
    let socket = TcpSocket::new_v4()?;
    // The smallest that the kernel grants, so that answers wait at the gateway.
    socket.set_recv_buffer_size(4096)?;
    let mut stream = socket.connect(host.parse()?).await?;
    let length = body.len();
    let head = format!(
        "POST /api/v1/process/image?{query} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    Ok(stream)
}

/// Ends the connection with a reset instead of a FIN.
pub(crate) fn reset(stream: TcpStream) -> Result<()> {
    stream.set_zero_linger()?;
    drop(stream);
    Ok(())
}

/// Sends bytes and takes everything that comes until the server closes.
pub(crate) async fn exchange(base: &str, bytes: &[u8]) -> Result<String> {
    let host = base.strip_prefix("http://").context("not an http address")?;
    let mut stream = TcpStream::connect(host).await?;
    stream.write_all(bytes).await?;
    let mut received = Vec::new();
    // A server that refuses what it did not read may end with a reset.
    let _ended = patiently("the end of the connection", stream.read_to_end(&mut received)).await?;
    Ok(String::from_utf8_lossy(&received).into_owned())
}

/// A NATS connection without a library.
pub(crate) struct Nats {
    stream: BufReader<TcpStream>,
}

impl Nats {
    /// Connects, and has the server's answer to a first ping.
    pub(crate) async fn connect(url: &str) -> Result<Self> {
        let host = url.strip_prefix("nats://").context("not a nats address")?;
        let mut stream = BufReader::new(TcpStream::connect(host).await?);
        let mut line = String::new();
        patiently("INFO", stream.read_line(&mut line)).await??;
        ensure!(line.starts_with("INFO "), "{line:?}");
        let mut nats = Self { stream };
        let options = r#"CONNECT {"verbose":false,"pedantic":false,"headers":true}"#;
        nats.write(format!("{options}\r\n").as_bytes()).await?;
        nats.ping().await?;
        Ok(nats)
    }

    /// Sends bytes.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.stream.get_mut().write_all(bytes).await?)
    }

    /// Subscribes.
    pub(crate) async fn subscribe(&mut self, subject: &str) -> Result<()> {
        self.write(format!("SUB {subject} 1\r\n").as_bytes()).await?;
        self.ping().await
    }

    /// Waits until the server has dealt with everything that was sent.
    pub(crate) async fn ping(&mut self) -> Result<()> {
        self.write(b"PING\r\n").await?;
        let mut line = String::new();
        loop {
            line.clear();
            let count = patiently("PONG", self.stream.read_line(&mut line)).await??;
            match line.trim_end() {
                "PONG" => return Ok(()),
                "PING" => self.write(b"PONG\r\n").await?,
                _ if count == 0 => bail!("the server closed the connection"),
                error if error.starts_with("-ERR") => bail!("the server: {error}"),
                _ => {}
            }
        }
    }

    /// Keeps the connection without reading from it.
    pub(crate) async fn hold(self) {
        loop {
            tokio::time::sleep(Duration::from_secs(3600)).await;
        }
    }
}
