//! The work lane: durable items of a JetStream stream, each processed until it is settled.
//!
//! A permit is taken before an item is fetched, so that no item waits in this process while its
//! acknowledgement time runs out. With the client's default of fetching 200 items in advance, 60
//! items of 0.2 s with an acknowledgement time of 2 s led to 100 executions. While the handler
//! works, progress is reported every third of the acknowledgement time. [`ErrorKind::ack`] decides
//! how an item that failed is settled.
//!
//! An acknowledgement does not prove that no other worker has processed the item. A handler whose
//! effect must happen only once must commit it with a compare-and-set of its own.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_nats::jetstream::{self, AckKind, consumer::PullConsumer};
use futures::{FutureExt as _, StreamExt as _};
use ocelli_messages::{Ack, Deadline, Failure, MessageContext, SubjectRow, header};
use prost::{Message, Name};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{Admission, Delivery, Request, consumer_span, decode, time_left};
use crate::{
    broker::{Connection, ConsumerSpec, StreamSpec, TaskActor, task_actor::PATIENT},
    metrics::{Metric, counter, histogram},
    supervisor::{ChildContext, ChildSpec},
};

/// How long a request for items stays open at the broker. It is short, because a broker that has
/// lost the consumer does not report it.
const FETCH_FOR: Duration = Duration::from_secs(2);
/// The shortest and the longest pause before an item is delivered again. It grows with each
/// attempt.
const REDELIVER: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// The pause before a lost stream or consumer is bound again.
const REBIND_AFTER: Duration = Duration::from_millis(500);

/// Processes durable work items.
pub trait WorkHandler: Send + Sync + 'static {
    /// The message of an item.
    type Item: Message + Name + Default + 'static;

    /// Processes one item; `attempt` is 1 for its first delivery. The result settles the item:
    /// success removes it, and a failure is treated as [`ErrorKind::ack`] defines.
    ///
    /// [`ErrorKind::ack`]: ocelli_messages::ErrorKind::ack
    fn handle(
        &self,
        item: Request<Self::Item>,
        attempt: u64,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// The specification of a work lane.
#[derive(Debug)]
pub struct WorkSpec<H> {
    /// The name of the lane in metrics and logs.
    pub name: &'static str,
    /// The stream that holds the items.
    pub stream: StreamSpec,
    /// The durable consumer that all workers of this kind share. Its acknowledgement time is also
    /// the time after which another worker gets the items of a worker that was killed.
    pub consumer: ConsumerSpec,
    /// The kind of subject that items are published on; it names the tenant.
    pub subject: &'static SubjectRow,
    /// The handler that processes the items.
    pub handler: Arc<H>,
    /// The number of items that are processed at a time.
    pub in_flight: usize,
    /// The time limit for one attempt at an item that states no deadline. The item is not lost when
    /// the attempt takes longer: it is delivered again.
    pub timeout: Duration,
}

impl<H> Clone for WorkSpec<H> {
    fn clone(&self) -> Self {
        Self {
            stream: self.stream.clone(),
            consumer: self.consumer.clone(),
            handler: Arc::clone(&self.handler),
            ..*self
        }
    }
}

impl<H: WorkHandler> WorkSpec<H> {
    /// An actor with the given name that takes the work on the given connection.
    #[must_use]
    pub fn child(self, name: &'static str, connection: Connection) -> ChildSpec {
        let (child, _) = ChildSpec::actor(name, move |child| {
            let lane = Arc::new(Lane::new(self.clone(), connection.clone()));
            TaskActor::new(child, |child, stop| Box::pin(lane.run(child, stop)))
        });
        child.ready_within(PATIENT)
    }
}

struct Lane<H> {
    spec: WorkSpec<H>,
    delivery: Delivery,
    permits: Arc<Semaphore>,
    seconds: metrics::Histogram,
}

impl<H: WorkHandler> Lane<H> {
    fn new(spec: WorkSpec<H>, connection: Connection) -> Self {
        let delivery = Delivery {
            name: spec.name,
            template: spec.subject.template(),
            connection,
            timeout: spec.timeout,
        };
        Self {
            delivery,
            permits: Arc::new(Semaphore::new(spec.in_flight.max(1))),
            seconds: histogram(Metric::WorkSeconds, &[spec.name]),
            spec,
        }
    }

    async fn run(
        self: Arc<Self>,
        child: ChildContext,
        stop: CancellationToken,
    ) -> Result<(), Failure> {
        let mut tasks = JoinSet::new();
        let ended = Box::pin(self.pull(&child, &stop, &mut tasks)).await;
        // Items in progress are finished; items that were not fetched stay in the stream.
        while tasks.join_next().await.is_some() {}
        ended
    }

    /// Fetches items until it is told to stop. Fails only if the stream cannot be made to match its
    /// specification.
    async fn pull(
        self: &Arc<Self>,
        child: &ChildContext,
        stop: &CancellationToken,
        tasks: &mut JoinSet<()>,
    ) -> Result<(), Failure> {
        loop {
            let bound = async {
                self.delivery.connection.up().await;
                self.bind().await
            };
            let Some(bound) = stop.run_until_cancelled(bound).await else { return Ok(()) };
            let failure = match bound {
                Ok(consumer) => {
                    child.ready();
                    match self.fetch(&consumer, stop, tasks).await {
                        Ok(()) => return Ok(()),
                        Err(failure) => failure,
                    }
                }
                Err(failure) if failure.kind.retryable() => failure,
                Err(failure) => return Err(failure),
            };
            // A deleted stream, a restarted broker and a lost consumer cannot be told apart, so all
            // of them are bound again.
            warn!(worker = self.spec.name, %failure, "lost the consumer; binding it again");
            if stop.run_until_cancelled(tokio::time::sleep(REBIND_AFTER)).await.is_none() {
                return Ok(());
            }
        }
    }

    /// Binds the consumer, and creates it if it does not exist.
    async fn bind(&self) -> Result<PullConsumer, Failure> {
        let jetstream = self.delivery.connection.jetstream();
        self.spec.stream.ensure(&jetstream).await?;
        self.spec.consumer.ensure(&jetstream).await
    }

    /// Takes permits and fetches as many items, until it is told to stop. Fails if the consumer is
    /// lost.
    async fn fetch(
        self: &Arc<Self>,
        consumer: &PullConsumer,
        stop: &CancellationToken,
        tasks: &mut JoinSet<()>,
    ) -> Result<(), Failure> {
        let lost = |error: String| Failure::unavailable(error, REBIND_AFTER);
        loop {
            while tasks.try_join_next().is_some() {}
            let Some(mut permits) = stop.run_until_cancelled(self.take_permits()).await else {
                return Ok(());
            };
            let batch = consumer.batch().max_messages(permits.len()).expires(FETCH_FOR);
            let mut batch = batch.messages().await.map_err(|error| lost(error.to_string()))?;
            loop {
                let message = tokio::select! {
                    biased;
                    () = stop.cancelled() => {
                        hand_back(batch).await;
                        return Ok(());
                    }
                    message = batch.next() => message,
                };
                let Some(message) = message else { break };
                let message = message.map_err(|error| lost(error.to_string()))?;
                // The broker sends no more items than were requested.
                let permit = permits.pop();
                let lane = Arc::clone(self);
                tasks.spawn(async move {
                    lane.serve(message).await;
                    drop(permit);
                });
            }
        }
    }

    /// Takes all free permits, and waits if none is free.
    async fn take_permits(&self) -> Vec<OwnedSemaphorePermit> {
        let mut permits = Vec::new();
        // The semaphore is never closed.
        permits.extend(Arc::clone(&self.permits).acquire_owned().await);
        while let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            permits.push(permit);
        }
        permits
    }

    /// Processes one item and settles it.
    async fn serve(&self, message: jetstream::Message) {
        let arrived = Instant::now();
        let attempt = message.info().map_or(1, |info| u64::try_from(info.delivered).unwrap_or(1));
        let (context, result) = match self.delivery.read(message.headers.as_ref()) {
            Ok(incoming) => {
                let span = consumer_span!("work item", self.delivery.template, incoming.context);
                let work = |context| self.work(&message, context, arrived, attempt);
                self.delivery.run(span, incoming, work).await
            }
            Err(failure) => (self.delivery.own_context(), Err(failure)),
        };
        self.settle(&message, &context, result, attempt).await;
        self.seconds.record(arrived.elapsed());
    }

    async fn work(
        &self,
        message: &jetstream::Message,
        context: MessageContext,
        arrived: Instant,
        attempt: u64,
    ) -> Result<(), Failure> {
        let left = time_left(&context)?;
        let tenant = self.spec.subject.tenant(&message.subject);
        let tenant = tenant.map_err(|error| Failure::invalid("subject", error.to_string()))?;
        let item = decode(message.payload.clone())?;
        let request = Request {
            tenant,
            context: context.clone(),
            message: item,
            arrived,
            admission: Admission::free(),
        };
        let work = self.spec.handler.handle(request, attempt);
        let too_late = tokio::time::sleep(left);
        tokio::pin!(work, too_late);
        let mut progress = tokio::time::interval(self.spec.consumer.ack_wait / 3);
        progress.tick().await;
        loop {
            tokio::select! {
                done = &mut work => return done,
                // A handler that hangs must not hold its item and its permit for ever.
                () = &mut too_late => return Err(match stated_deadline(message, &context) {
                    Some(_) => Failure::deadline("the deadline passed before the work was done"),
                    None => Failure::internal("the handler did not finish in time"),
                }),
                _ = progress.tick() => {
                    if let Err(error) = message.ack_with(AckKind::Progress).await {
                        debug!(worker = self.spec.name, %error, "cannot report an item's progress");
                    }
                }
            }
        }
    }

    async fn settle(
        &self,
        message: &jetstream::Message,
        context: &MessageContext,
        result: Result<(), Failure>,
        attempt: u64,
    ) {
        let code = result.as_ref().map_or_else(|failure| failure.kind.as_str(), |()| "ok");
        counter(Metric::WorkItems, &[self.spec.name, code]).increment(1);
        let settled = match result {
            // The broker confirms it, because a lost acknowledgement would cost another execution.
            Ok(()) => message.double_ack().await,
            Err(failure) => {
                self.delivery.note(&failure, context);
                let deadline = stated_deadline(message, context);
                message.ack_with(verdict(&failure, deadline, attempt)).await
            }
        };
        if let Err(error) = settled {
            warn!(worker = self.spec.name, %error, "an item was not settled and will be redelivered");
        }
    }
}

/// Returns items that were fetched but not started, so that other workers get them at once.
async fn hand_back(mut batch: jetstream::consumer::pull::Batch) {
    while let Some(Some(Ok(message))) = batch.next().now_or_never() {
        if let Err(error) = message.ack_with(AckKind::Nak(None)).await {
            debug!(%error, "an item was not returned and will be redelivered after its ack time");
        }
    }
}

/// The deadline that the sender of an item gave it. Without one, the context's deadline is that of
/// one attempt only.
fn stated_deadline(message: &jetstream::Message, context: &MessageContext) -> Option<Deadline> {
    let headers = message.headers.as_ref()?;
    headers.get(header::DEADLINE).map(|_| context.deadline)
}

/// Decides how an item that failed is settled. An item is terminated for its time only if its
/// sender stated a deadline.
fn verdict(failure: &Failure, deadline: Option<Deadline>, attempt: u64) -> AckKind {
    let past = deadline.is_some_and(|deadline| deadline.left(SystemTime::now()).is_none());
    let again = || {
        let (first, longest) = REDELIVER;
        let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
        let pause = first.saturating_mul(1 << doublings).min(longest);
        AckKind::Nak(Some(failure.retry_after.unwrap_or(pause)))
    };
    match failure.kind.ack() {
        Ack::Term => AckKind::Term,
        Ack::TermIfPastDeadline if past => AckKind::Term,
        Ack::TermIfPastDeadline | Ack::Nak => again(),
        Ack::NakNow => AckKind::Nak(None),
    }
}

#[cfg(test)]
mod tests {
    use ocelli_messages::ErrorKind;

    use super::*;

    #[test]
    fn every_kind_of_failure_settles_its_item() {
        let ahead = Some(Deadline::after(SystemTime::now(), Duration::from_secs(60)));
        let past = Some(Deadline::from_unix_ms(1));
        let again = |seconds| AckKind::Nak(Some(Duration::from_secs(seconds)));
        for (kind, deadline, attempt, expected) in [
            (ErrorKind::InvalidArgument, ahead, 1, AckKind::Term),
            (ErrorKind::Internal, ahead, 1, again(1)),
            (ErrorKind::Internal, past, 4, again(8)),
            (ErrorKind::Unavailable, None, u64::MAX, again(60)),
            (ErrorKind::DeadlineExceeded, None, 2, again(2)),
            (ErrorKind::DeadlineExceeded, ahead, 2, again(2)),
            (ErrorKind::DeadlineExceeded, past, 2, AckKind::Term),
            (ErrorKind::Cancelled, None, 3, AckKind::Nak(None)),
        ] {
            let settled = verdict(&Failure::new(kind, "it failed"), deadline, attempt);
            assert_eq!(format!("{settled:?}"), format!("{expected:?}"), "{kind}");
        }
        let busy = Failure::overloaded("no capacity", Duration::from_secs(7));
        assert_eq!(format!("{:?}", verdict(&busy, ahead, 1)), format!("{:?}", again(7)));
    }
}
