//! `frame.in.<stream>`: the same work without anybody waiting for it.

use bytes::Bytes;
use futures::{FutureExt as _, future::BoxFuture};
use ocelli_actors::broker::{DropReason, LiveFrame, LiveHandler, LiveOutcome};
use ocelli_messages::{Failure, MessageContext, v1};
use prost::Message as _;

use super::Process;
use crate::plan;

/// Answers live frames, errors too, with the frame's own stream and sequence.
#[derive(Clone, Debug)]
pub(crate) struct Live(pub(crate) Process);

impl LiveHandler for Live {
    fn handle(&self, frame: LiveFrame) -> BoxFuture<'_, LiveOutcome> {
        async move {
            let LiveFrame { context, stream, payload, arrived, .. } = frame;
            let Ok(mut request) = plan::decode(payload) else {
                // Not even its sequence is known: there is nothing to answer with.
                return LiveOutcome::Drop(DropReason::DecodeFailed);
            };
            let identity = identity(&mut request, stream.as_str());
            let result = match identity {
                Ok(()) => self.0.run(request.clone(), &context, arrived).await,
                Err(failure) => Err(failure),
            };
            match result {
                Ok(response) => LiveOutcome::Publish(response, None),
                Err(failure) => report(request.frame, &context, &failure, &self.0.name),
            }
        }
        .boxed()
    }

    fn failed(&self, payload: Bytes, context: &MessageContext, failure: &Failure) -> LiveOutcome {
        match plan::decode(payload) {
            Ok(request) => report(request.frame, context, failure, &self.0.name),
            Err(_) => LiveOutcome::Drop(DropReason::DecodeFailed),
        }
    }
}

/// A frame that names no stream belongs to that of its subject; one that names another is wrong.
fn identity(request: &mut v1::ProcessRequest, stream: &str) -> Result<(), Failure> {
    let frame = request.frame.get_or_insert_default();
    if frame.stream.is_empty() {
        stream.clone_into(&mut frame.stream);
    }
    if frame.stream == stream {
        Ok(())
    } else {
        let given: String = frame.stream.chars().take(80).collect();
        let message = format!("the frame says {given:?}, its subject {stream:?}");
        Err(Failure::invalid("frame.stream", message).allow([stream]))
    }
}

fn report(
    frame: Option<v1::Frame>,
    context: &MessageContext,
    failure: &Failure,
    worker: &str,
) -> LiveOutcome {
    let frame = frame.map(|frame| v1::Frame { payload: None, ..frame });
    let response = v1::ProcessResponse {
        frame,
        error: Some(failure.to_wire(&context.request_id)),
        worker: worker.to_owned(),
        ..Default::default()
    };
    LiveOutcome::Publish(response.encode_to_vec().into(), Some(failure.clone()))
}
