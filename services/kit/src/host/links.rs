//! The connections of this process. They are closed after the services have stopped and before the
//! broker is.

use actix::WrapFuture as _;
use actix::{Actor, ActorContext as _, ActorFutureExt as _, AsyncContext as _, Context, Handler};
use ocelli_actors::{
    broker::Connection,
    supervisor::{ChildContext, Stop},
};
use tracing::debug;

/// The actor that closes the connections when it stops.
pub(super) struct Links {
    connections: Vec<Connection>,
    child: ChildContext,
}

impl Links {
    pub(super) fn new(connections: Vec<Connection>, child: &ChildContext) -> Self {
        Self { connections, child: child.clone() }
    }
}

impl Actor for Links {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Context<Self>) {
        let connections = self.connections.clone();
        self.child.observe(move || {
            let up = connections.iter().filter(|connection| connection.link().up).count();
            serde_json::json!({ "connections": connections.len(), "up": up })
        });
        self.child.ready();
    }
}

impl Handler<Stop> for Links {
    type Result = ();

    fn handle(&mut self, _: Stop, context: &mut Context<Self>) {
        let connections = std::mem::take(&mut self.connections);
        let closed = async move {
            for connection in connections {
                connection.close().await;
            }
            debug!("the connections to the broker are closed");
        };
        context.spawn(closed.into_actor(self).map(|(), _, context| context.stop()));
    }
}
