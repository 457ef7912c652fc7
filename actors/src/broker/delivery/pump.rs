//! Moves messages from the broker to their handlers until it is told to stop.

use std::future::Future;

use async_nats::Message;
use ocelli_messages::{ErrorKind, Failure};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::broker::{Connection, IntakeEvent, Subscription};

/// A subject, and what is done with its messages.
pub(in crate::broker) struct Route {
    subscription: Subscription,
    serve: Serve,
}

type Serve = Box<dyn FnMut(Message, &mut JoinSet<()>) + Send>;

impl Route {
    /// Does that with each message of a subject; tasks are waited for at the end. The members of a
    /// queue group share the messages.
    pub(in crate::broker) fn new(
        subject: String,
        queue: Option<&str>,
        serve: impl FnMut(Message, &mut JoinSet<()>) + Send + 'static,
    ) -> Self {
        let subscription = Subscription { subject, queue: queue.map(str::to_owned) };
        Self { subscription, serve: Box::new(serve) }
    }

    /// Serves each message of a subject in a task of its own.
    pub(in crate::broker) fn tasks<F>(
        subject: String,
        queue: Option<&str>,
        mut serve: impl FnMut(Message) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::new(subject, queue, move |message, tasks| {
            tasks.spawn(serve(message));
        })
    }

    /// Passes each message of a subject to `call`, which must be quick.
    pub(in crate::broker) fn calls(
        subject: String,
        mut call: impl FnMut(Message) + Send + 'static,
    ) -> Self {
        Self {
            subscription: Subscription { subject, queue: None },
            serve: Box::new(move |message, _| call(message)),
        }
    }
}

/// Serves the messages of those routes. `ready` is called once the broker has registered all of
/// them. After `stop`, it ends the subscriptions, but still serves the messages that the broker has
/// already sent, because no other instance will.
///
/// # Errors
/// `permission_denied` if the broker refuses a subscription.
pub(in crate::broker) async fn pump(
    connection: &Connection,
    routes: Vec<Route>,
    stop: CancellationToken,
    ready: impl FnOnce(),
) -> Result<(), Failure> {
    let (subscriptions, mut serve): (Vec<_>, Vec<_>) =
        routes.into_iter().map(|route| (route.subscription, route.serve)).unzip();
    let mut intake = connection.intake(subscriptions)?;
    let (mut ready, mut stopping) = (Some(ready), false);
    let mut tasks = JoinSet::new();
    loop {
        let event = tokio::select! {
            biased;
            () = stop.cancelled(), if !stopping => {
                intake.drain();
                stopping = true;
                continue;
            }
            Some(ended) = tasks.join_next() => {
                note(ended);
                continue;
            }
            event = intake.next() => event,
        };
        match event {
            IntakeEvent::Message { subscription, message } => {
                if let Some(serve) = serve.get_mut(subscription) {
                    serve(message, &mut tasks);
                }
            }
            IntakeEvent::Up => {
                if let Some(ready) = ready.take() {
                    ready();
                }
            }
            IntakeEvent::Refused(failure) => refused(failure)?,
            // It is counted, and there is nobody to answer.
            IntakeEvent::Unreadable { .. } => {}
            IntakeEvent::Down => {}
            IntakeEvent::Drained => break,
        }
    }
    while let Some(ended) = tasks.join_next().await {
        note(ended);
    }
    Ok(())
}

/// Fails if the broker refuses a subscription, which the settings must mend. A login that is
/// refused is tried again, like a broker that cannot be reached.
pub(super) fn refused(failure: Failure) -> Result<(), Failure> {
    if failure.kind == ErrorKind::PermissionDenied {
        return Err(failure);
    }
    warn!(%failure, "cannot receive from the broker");
    Ok(())
}

fn note(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        warn!(%error, "a task of an endpoint did not finish");
    }
}
