//! Opens a connection up to the point where the client may speak.

use std::{io, sync::Arc, time::Duration};

use async_nats::ServerAddr;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite},
    net::TcpStream,
    sync::OnceCell,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, pki_types::ServerName},
};

use super::parse::{Info, Op, Parser};

/// How long it may take to connect.
pub(super) const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// A TCP connection, encrypted or not.
pub(super) trait ReadWrite: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> ReadWrite for T {}

/// A connection whose server has introduced itself.
pub(super) struct Socket {
    pub(super) stream: Box<dyn ReadWrite>,
    pub(super) parser: Parser,
    pub(super) info: Info,
    pub(super) encrypted: bool,
}

/// The certificates of the machine, which are read when they are first needed.
#[derive(Clone, Debug, Default)]
pub(super) struct Tls(Arc<OnceCell<Arc<ClientConfig>>>);

/// Connects to a server.
pub(super) async fn open(server: ServerAddr, tls: Tls, tls_required: bool) -> io::Result<Socket> {
    let opened = tokio::time::timeout(CONNECT_WITHIN, introduce(&server, &tls, tls_required));
    opened.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

async fn introduce(server: &ServerAddr, tls: &Tls, tls_required: bool) -> io::Result<Socket> {
    let mut stream = TcpStream::connect((server.host(), server.port())).await?;
    stream.set_nodelay(true)?;
    let mut parser = Parser::new();
    let info = read_info(&mut stream, &mut parser).await?;
    let encrypted = tls_required || info.tls_required;
    let (stream, parser): (Box<dyn ReadWrite>, _) = if encrypted {
        // Whatever came with the introduction was not encrypted, so it is left behind.
        (Box::new(tls.encrypt(server, stream).await?), Parser::new())
    } else {
        (Box::new(stream), parser)
    };
    Ok(Socket { stream, parser, info, encrypted })
}

async fn read_info(stream: &mut TcpStream, parser: &mut Parser) -> io::Result<Info> {
    loop {
        match parser.next().map_err(io::Error::other)? {
            Some(Op::Info(info)) => return Ok(info),
            Some(Op::Error(text)) => return Err(io::Error::other(text)),
            Some(_) => return Err(io::Error::other("the broker did not introduce itself")),
            None if stream.read_buf(&mut parser.space()).await? == 0 => {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            None => {}
        }
    }
}

impl Tls {
    async fn encrypt(
        &self,
        server: &ServerAddr,
        stream: TcpStream,
    ) -> io::Result<impl ReadWrite + use<>> {
        let config = self.0.get_or_try_init(read_certificates).await?;
        let name = ServerName::try_from(server.host().to_owned()).map_err(io::Error::other)?;
        TlsConnector::from(Arc::clone(config)).connect(name, stream).await
    }
}

async fn read_certificates() -> io::Result<Arc<ClientConfig>> {
    let read = tokio::task::spawn_blocking(|| {
        let certificates = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates.certs);
        if roots.is_empty() {
            let problems: Vec<_> = certificates.errors.iter().map(ToString::to_string).collect();
            let message = format!("this machine has no certificates: {}", problems.join("; "));
            return Err(io::Error::other(message));
        }
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Ok(Arc::new(config))
    });
    read.await.map_err(io::Error::other)?
}
