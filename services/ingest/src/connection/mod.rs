//! Connections: whom the gateway serves, for how long it waits for a client, and how it ends.

mod crowd;
mod guarded;
mod link;
mod pace;
mod refusal;

use std::{cell::Cell, fmt::Display, net::SocketAddr, rc::Rc, sync::Arc, time::Duration};

use actix_service::Service;
use socket2::SockRef;
use tokio::net::TcpStream;
use tracing::debug;

pub(crate) use crowd::Crowd;
pub(crate) use guarded::{Guarded, HEAD_WITHIN, KEEP_ALIVE};
pub(crate) use link::{InHand, Link};
pub(crate) use pace::{Pace, Slowest};
pub(crate) use refusal::Reason;

use crowd::Turned;

/// How many bytes the system keeps of an answer before it sends them. With much more, a client that
/// reads slowly would seem to stand still for long, and memory be held that nobody counts.
const UNSENT: u32 = 128 * 1024;

/// How many clients are told at a time why they are not served; more are cut off.
const MOST_TURNED_AWAY: usize = 256;

/// What the connections of one thread are served with.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    pub(crate) crowd: Arc<Crowd>,
    pub(crate) slowest: Slowest,
    /// How many clients are being turned away.
    turned_away: Rc<Cell<usize>>,
}

impl Door {
    pub(crate) fn new(crowd: Arc<Crowd>, slowest: Slowest) -> Self {
        Self { crowd, slowest, turned_away: Rc::default() }
    }

    /// Serves a connection to its end with actix's `http`.
    pub(crate) async fn serve<S>(self, stream: TcpStream, http: Rc<S>)
    where
        S: Service<(Guarded, Option<SocketAddr>), Response = ()>,
        S::Error: Display,
    {
        set_up(&stream);
        let peer = stream.peer_addr().ok();
        let member = match self.crowd.enter() {
            Ok(member) => member,
            Err(turned) => {
                let reason = match turned {
                    Turned::Draining => Reason::Draining,
                    Turned::Full => Reason::Full,
                };
                return self.turn_away(reason, stream).await;
            }
        };
        let link = Rc::new(Link::new(member));
        let after = Rc::new(Cell::new(None));
        let guarded = Guarded::new(stream, Rc::clone(&link), self.slowest, Rc::clone(&after));
        let ended = http.call((guarded, peer)).await;
        let Some(reason) = link.ended.get().filter(|_| ended.is_err()) else {
            if let Err(error) = ended {
                debug!(%error, "a connection ended");
            }
            return;
        };
        reason.count();
        debug!(reason = reason.as_str(), "the gateway ends a connection");
        // Its place is free, and what comes now has a short limit of its own.
        drop(link);
        let Some(stream) = after.take() else { return };
        if reason == Reason::SlowAnswer {
            // What the system still holds for this client would stay until it reads.
            drop(SockRef::from(&stream).set_linger(Some(Duration::ZERO)));
        } else {
            refusal::tell(reason, stream).await;
        }
    }

    async fn turn_away(&self, reason: Reason, stream: TcpStream) {
        reason.count();
        if self.turned_away.get() >= MOST_TURNED_AWAY {
            return;
        }
        self.turned_away.set(self.turned_away.get() + 1);
        refusal::turn_away(reason, stream).await;
        self.turned_away.set(self.turned_away.get() - 1);
    }
}

fn set_up(stream: &TcpStream) {
    // Without it the end of each body waits 40 ms for the acknowledgement of its start.
    drop(stream.set_nodelay(true));
    #[cfg(target_os = "linux")]
    drop(SockRef::from(stream).set_tcp_notsent_lowat(UNSENT));
    #[cfg(not(target_os = "linux"))]
    drop(SockRef::from(stream).set_send_buffer_size(UNSENT as usize));
}
