//! Moves messages from subscriptions to tasks, until it is told to stop or the subscriptions end.

use std::future::Future;

use async_nats::{Message, Subscriber};
use futures::{Stream, StreamExt as _, stream::SelectAll};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::broker::Connection;

/// Serves each message in a task of its own. After `stop`, it ends the subscriptions, but still
/// serves the messages that were already delivered, because no other instance will.
///
/// Returns whether it was told to stop. If not, all subscriptions ended unexpectedly.
pub(in crate::broker) async fn pump<F>(
    connection: &Connection,
    mut messages: SelectAll<Subscriber>,
    stop: CancellationToken,
    mut serve: impl FnMut(Message) -> F,
) -> bool
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(ended) = tasks.join_next() => {
                if let Err(error) = ended {
                    warn!(%error, "a task of an endpoint did not finish");
                }
            }
            message = messages.next() => match message {
                Some(message) => { tasks.spawn(serve(message)); }
                None => return false,
            },
        }
    }
    for subscription in messages.iter_mut() {
        if let Err(error) = subscription.drain().await {
            warn!(%error, "a subscription could not be drained");
        }
    }
    while let Some(message) = next_of_drained(connection, &mut messages).await {
        tasks.spawn(serve(message));
    }
    while tasks.join_next().await.is_some() {}
    true
}

/// The next message that is left in subscriptions that are being drained. Only the broker can
/// confirm the end of a drain, so without a broker there are no more messages.
pub(super) async fn next_of_drained(
    connection: &Connection,
    messages: &mut (impl Stream<Item = Message> + Unpin),
) -> Option<Message> {
    let mut link = connection.watch();
    tokio::select! {
        biased;
        message = messages.next() => message,
        _ = link.wait_for(|link| !link.up) => None,
    }
}
