//! The smallest client that keeps an HTTP/1.1 connection open: a library's own cost would count as
//! ours.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: vec![0; 1 << 20] }
    }

    /// Posts a body; the length of the answer's body.
    pub(crate) async fn post(&mut self, path: &str, body: &[u8]) -> usize {
        let length = body.len();
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Length: {length}\r\n\r\n");
        self.stream.write_all(head.as_bytes()).await.unwrap();
        self.stream.write_all(body).await.unwrap();
        let mut read = 0;
        let end = loop {
            read += self.stream.read(&mut self.buffer[read..]).await.unwrap();
            let end = self.buffer[..read].windows(4).position(|window| window == b"\r\n\r\n");
            if let Some(end) = end {
                break end + 4;
            }
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).to_lowercase();
        assert!(head.starts_with("http/1.1 200"), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let length = length.trim().parse::<usize>().unwrap();
        while read < end + length {
            read += self.stream.read(&mut self.buffer[read..]).await.unwrap();
        }
        length
    }
}
