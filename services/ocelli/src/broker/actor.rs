//! The managed broker as a supervised actor, and the guard, which ends the broker with this
//! process.

use std::{
    cell::{Cell, RefCell},
    ffi::OsString,
    path::PathBuf,
    rc::Rc,
};

use actix::WrapFuture as _;
use actix::{Actor, ActorContext as _, ActorFutureExt as _, AsyncContext as _, Context, Handler};
use ocelli_actors::supervisor::{ChildContext, Exit, Stop};
use ocelli_messages::ErrorKind;
use ocelli_nats_server::{NatsServer, ServerOptions, exec_guarded};
use tokio::sync::oneshot;
use tracing::{error, info};

use super::data::DataFolder;

/// The hidden first argument of the guard. A process id and a program with its arguments follow: the
/// guard becomes the program, which gets SIGTERM when that process ends.
pub(crate) const GUARD: &str = "__guard-broker";

/// If this process was started as the broker's guard, it becomes the broker, and this function
/// returns only an error if that failed. Otherwise returns `None`.
pub(crate) fn become_guard() -> Option<std::io::Error> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != GUARD {
        return None;
    }
    let parent = arguments.next().and_then(|pid| pid.to_str()?.parse().ok());
    let (Some(parent), Some(program)) = (parent, arguments.next()) else {
        return Some(std::io::Error::other("the guard needs a process id and a program"));
    };
    let arguments: Vec<OsString> = arguments.collect();
    Some(exec_guarded(parent, &PathBuf::from(program), &arguments))
}

/// The same options with this program as the guard.
pub(super) fn guarded(options: ServerOptions) -> std::io::Result<ServerOptions> {
    let launcher = Some((std::env::current_exe()?, vec![GUARD.to_owned()]));
    Ok(ServerOptions { launcher, ..options })
}

/// An actor that runs the broker. After a restart, the broker has the same port.
pub(super) struct BrokerActor {
    /// The broker that the first generation takes over. It was started before any actor, because
    /// everything else needs its port.
    running: Rc<Cell<Option<NatsServer>>>,
    data: Rc<RefCell<DataFolder>>,
    options: ServerOptions,
    child: ChildContext,
    stop: Option<oneshot::Sender<()>>,
}

impl BrokerActor {
    pub(super) fn new(
        running: Rc<Cell<Option<NatsServer>>>,
        data: Rc<RefCell<DataFolder>>,
        options: ServerOptions,
        child: &ChildContext,
    ) -> Self {
        Self { running, data, options, child: child.clone(), stop: None }
    }
}

impl Actor for BrokerActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        let (stop, told) = oneshot::channel();
        self.stop = Some(stop);
        let first = self.running.take();
        let (options, child) = (self.options.clone(), self.child.clone());
        let data = Rc::clone(&self.data);
        let life = async move {
            // It is started on this thread, the main one, because the broker ends together with the
            // thread that starts it.
            let mut server = match first {
                Some(server) => server,
                None => match start_again(&data, &options).await {
                    Ok(server) => server,
                    Err(failed) => {
                        error!(error = format!("{failed:#}"), "cannot start the broker");
                        return child.exit(Exit::Failed(ErrorKind::Unavailable));
                    }
                },
            };
            info!(url = server.url(), pid = server.pid(), "the broker is running");
            let pid = server.pid();
            child.observe(move || serde_json::json!({ "pid": pid }));
            child.ready();
            let watched = data.borrow().watched();
            tokio::select! {
                how = server.ended() => {
                    error!(how, "the broker stopped unexpectedly");
                    child.exit(Exit::Failed(ErrorKind::Unavailable));
                }
                place = watched.removed() => {
                    // The broker would go on with files that nobody can find any more.
                    error!(
                        place = %place.display(),
                        "files of the broker were removed under it, and what it stored is lost: \
                         it starts again without"
                    );
                    server.stop().await;
                    child.exit(Exit::Failed(ErrorKind::NotFound));
                }
                _ = told => server.stop().await,
            }
        };
        context.spawn(life.into_actor(self).map(|(), _, context| context.stop()));
    }
}

/// Starts the broker after the first one has ended.
async fn start_again(
    data: &RefCell<DataFolder>,
    options: &ServerOptions,
) -> anyhow::Result<NatsServer> {
    data.borrow_mut().renew()?;
    Ok(NatsServer::start(options).await?)
}

impl Handler<Stop> for BrokerActor {
    type Result = ();

    fn handle(&mut self, _: Stop, context: &mut Context<Self>) {
        // `life` stops the context once the server has ended.
        let told = self.stop.take().is_some_and(|stop| stop.send(()).is_ok());
        if !told {
            context.stop();
        }
    }
}
