//! A stable address of an actor that may be restarted.

use std::{sync::Arc, time::Duration};

use actix::{Actor, Addr, Context, Handler, MailboxError, Message, dev::SendError};
use tokio::{
    sync::{Semaphore, watch},
    time::timeout,
};

use ocelli_messages::ErrorKind;

/// How many questions to one actor may be unanswered at a time.
const MAX_UNANSWERED: usize = 64;

/// Why an actor did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// It is down; its supervisor may start it again.
    #[error("the actor is not running")]
    Unavailable,
    /// Too much is waiting for it already.
    #[error("the actor's mailbox is full")]
    Full,
    /// It took the message and ended, or panicked, before it answered.
    #[error("the actor ended before it answered")]
    Closed,
    /// It did not answer in time. It may still act on the message.
    #[error("the actor did not answer in time")]
    Timeout,
}

impl AskError {
    /// The kind to answer with.
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

/// The address of the generation that is up, where one is.
pub(crate) struct Slot<A: Actor> {
    generation: u64,
    /// The only `Addr`: every clone of one adds a place to the actor's mailbox.
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

/// The stable address of a supervised actor, for control messages: what is in a mailbox dies with
/// its generation, so work belongs in channels.
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

    /// Sends a message and waits for the answer, at most `within`.
    ///
    /// # Errors
    /// [`AskError`] says whether it was down, overloaded, ended or slow.
    pub async fn ask<M>(&self, message: M, within: Duration) -> Result<M::Result, AskError>
    where
        A: Handler<M>,
        M: Message + Send + 'static,
        M::Result: Send,
    {
        let permit =
            Arc::clone(&self.unanswered).try_acquire_owned().map_err(|_| AskError::Full)?;
        let request = self.slot.borrow().live()?.send(message);
        // `send` enlarges the mailbox without end, so the number of messages is what is bounded:
        // the permit stays with the message even where the caller stopped waiting.
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

    /// Puts a message into the mailbox, where there is room, and does not wait.
    ///
    /// # Errors
    /// [`AskError::Unavailable`] where it is down, [`AskError::Full`] where the mailbox is full.
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

    /// How many times the actor was started.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.slot.borrow().generation
    }

    /// Whether a generation is up.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.slot.borrow().live().is_ok()
    }

    /// Waits for a generation that is up; its number.
    ///
    /// # Errors
    /// [`AskError::Unavailable`] where the supervisor is gone, so that none will come.
    pub async fn up(&self) -> Result<u64, AskError> {
        self.up_after(0).await
    }

    /// Waits for a generation after `generation`; its number.
    ///
    /// # Errors
    /// [`AskError::Unavailable`] where the supervisor is gone, so that none will come.
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
