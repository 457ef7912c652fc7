//! A stable address of an actor that may be restarted.

use std::{sync::Arc, time::Duration};

use actix::{Actor, Addr, Context, Handler, MailboxError, Message, dev::SendError};
use tokio::{
    sync::{Semaphore, watch},
    time::timeout,
};

use ocelli_messages::ErrorKind;

/// How many requests to one actor may be unanswered at a time.
const MAX_UNANSWERED: usize = 64;

/// The reason why an actor did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The actor is not running; its supervisor may restart it.
    #[error("the actor is not running")]
    Unavailable,
    /// Too many messages are already waiting for the actor.
    #[error("the actor's mailbox is full")]
    Full,
    /// The actor took the message, but ended or panicked before it answered.
    #[error("the actor ended before it answered")]
    Closed,
    /// The actor did not answer in time. It may still act on the message.
    #[error("the actor did not answer in time")]
    Timeout,
}

impl AskError {
    /// The kind of error to report to the caller.
    #[must_use]
    pub const fn kind(self) -> ErrorKind {
        match self {
            Self::Unavailable => ErrorKind::Unavailable,
            Self::Full => ErrorKind::Overloaded,
            Self::Closed => ErrorKind::Internal,
            Self::Timeout => ErrorKind::DeadlineExceeded,
        }
    }
}

/// The address of the running generation, if there is one.
pub(crate) struct Slot<A: Actor> {
    generation: u64,
    /// The only `Addr`, because every clone of it adds a slot to the actor's mailbox.
    address: Option<Addr<A>>,
}

impl<A: Actor> Slot<A> {
    pub(crate) const fn empty() -> Self {
        Self { generation: 0, address: None }
    }

    pub(crate) fn fill(&mut self, address: Addr<A>) {
        self.generation += 1;
        self.address = Some(address);
    }

    pub(crate) fn clear(&mut self) {
        self.address = None;
    }

    pub(crate) const fn address(&self) -> Option<&Addr<A>> {
        self.address.as_ref()
    }

    fn live(&self) -> Result<&Addr<A>, AskError> {
        self.address.as_ref().filter(|address| address.connected()).ok_or(AskError::Unavailable)
    }
}

/// The stable address of a supervised actor. It is meant for control messages: the content of a
/// mailbox is lost with its generation, so work belongs in channels.
pub struct ActorRef<A: Actor> {
    slot: watch::Receiver<Slot<A>>,
    unanswered: Arc<Semaphore>,
}

impl<A: Actor> Clone for ActorRef<A> {
    fn clone(&self) -> Self {
        Self { slot: self.slot.clone(), unanswered: Arc::clone(&self.unanswered) }
    }
}

impl<A: Actor> std::fmt::Debug for ActorRef<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let slot = self.slot.borrow();
        f.debug_struct("ActorRef")
            .field("generation", &slot.generation)
            .field("up", &slot.address.is_some())
            .finish_non_exhaustive()
    }
}

impl<A: Actor<Context = Context<A>>> ActorRef<A> {
    pub(crate) fn new(slot: watch::Receiver<Slot<A>>) -> Self {
        Self { slot, unanswered: Arc::new(Semaphore::new(MAX_UNANSWERED)) }
    }

    /// Sends a message and waits for the answer, for at most `within`.
    ///
    /// # Errors
    /// [`AskError`] states whether the actor was down, overloaded, ended or too slow.
    pub async fn ask<M>(&self, message: M, within: Duration) -> Result<M::Result, AskError>
    where
        A: Handler<M>,
        M: Message + Send + 'static,
        M::Result: Send,
    {
        let permit =
            Arc::clone(&self.unanswered).try_acquire_owned().map_err(|_| AskError::Full)?;
        let request = self.slot.borrow().live()?.send(message);
        // `send` enlarges the mailbox without a limit, so the number of messages is bounded here.
        // The permit stays with the message even if the caller has stopped waiting.
        let answer = tokio::spawn(async move {
            let answer = request.await;
            drop(permit);
            answer
        });
        match timeout(within, answer).await {
            Err(_elapsed) => Err(AskError::Timeout),
            Ok(Ok(answer)) => answer.map_err(|error| match error {
                MailboxError::Closed => AskError::Closed,
                MailboxError::Timeout => AskError::Timeout,
            }),
            Ok(Err(_ended)) => Err(AskError::Closed),
        }
    }

    /// Puts a message into the mailbox if there is room, without waiting.
    ///
    /// # Errors
    /// [`AskError::Unavailable`] if the actor is down, [`AskError::Full`] if its mailbox is full.
    pub fn try_tell<M>(&self, message: M) -> Result<(), AskError>
    where
        A: Handler<M>,
        M: Message + Send + 'static,
        M::Result: Send,
    {
        self.slot.borrow().live()?.try_send(message).map_err(|error| match error {
            SendError::Full(_) => AskError::Full,
            SendError::Closed(_) => AskError::Unavailable,
        })
    }

    /// The number of times that the actor was started.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.slot.borrow().generation
    }

    /// Whether a generation of the actor is running.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.slot.borrow().live().is_ok()
    }

    /// Waits until a generation is running, and returns its number.
    ///
    /// # Errors
    /// [`AskError::Unavailable`] if the supervisor has ended, so that no generation will follow.
    pub async fn up(&self) -> Result<u64, AskError> {
        self.up_after(0).await
    }

    /// Waits until a generation after `generation` is running, and returns its number.
    ///
    /// # Errors
    /// [`AskError::Unavailable`] if the supervisor has ended, so that no generation will follow.
    pub async fn up_after(&self, generation: u64) -> Result<u64, AskError> {
        let mut slot = self.slot.clone();
        let up = slot
            .wait_for(|slot| slot.address.is_some() && slot.generation > generation)
            .await
            .map_err(|_| AskError::Unavailable)?;
        Ok(up.generation)
    }
}

#[cfg(test)]
mod tests {
    use actix::{ActorContext, AsyncContext};

    use super::*;

    struct Brief;

    impl Actor for Brief {
        type Context = Context<Self>;

        fn started(&mut self, context: &mut Self::Context) {
            context.stop();
        }
    }

    impl Handler<crate::supervisor::Stop> for Brief {
        type Result = ();

        fn handle(&mut self, _: crate::supervisor::Stop, _: &mut Self::Context) {}
    }

    #[tokio::test(start_paused = true)]
    async fn an_actor_that_ended_is_down_before_its_supervisor_knows() {
        let local = tokio::task::LocalSet::new();
        let check = async {
            let (slot, receiver) = watch::channel(Slot::empty());
            let context = Context::new();
            slot.send_modify(|slot| slot.fill(context.address()));
            actix_rt::spawn(context.into_future(Brief)).await.unwrap();
            let actor: ActorRef<Brief> = ActorRef::new(receiver);
            let stop = crate::supervisor::Stop { grace: Duration::ZERO };
            assert_eq!(actor.ask(stop, Duration::from_secs(1)).await, Err(AskError::Unavailable));
            assert!(!actor.is_up());
        };
        local.run_until(check).await;
    }
}
