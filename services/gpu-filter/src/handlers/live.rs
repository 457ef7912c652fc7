//! Answers `frame.in.<stream>`: live frames, whose senders do not wait for the answer.

use ocelli_actors::broker::{Encoded, LiveHandler, Request};
use ocelli_messages::{Failure, MessageContext, StreamName, v1};

use super::{Process, process::RESPONSE_FIELD};

/// The handler for live frames. Every answer, including that to a frame that failed, has the stream
/// and the sequence of its frame.
#[derive(Clone, Debug)]
pub(crate) struct Live(pub(crate) Process);

impl LiveHandler for Live {
    type Request = v1::ProcessRequest;
    type Response = v1::ProcessResponse;
    /// The frame without its pixels.
    type Identity = v1::Frame;

    const RESPONSE_FIELD: &'static str = RESPONSE_FIELD;

    /// A frame that names no stream belongs to the one of its subject. A frame that names another
    /// stream is refused.
    fn identify(
        &self,
        stream: &StreamName,
        request: &mut v1::ProcessRequest,
    ) -> (v1::Frame, Result<(), Failure>) {
        let frame = request.frame.get_or_insert_default();
        let stream = stream.as_str();
        if frame.stream.is_empty() {
            stream.clone_into(&mut frame.stream);
        }
        let contradiction = if frame.stream == stream {
            Ok(())
        } else {
            let given: String = frame.stream.chars().take(80).collect();
            let message =
                format!("the frame names the stream {given:?}, but its subject {stream:?}");
            Err(Failure::invalid("frame.stream", message).allow([stream]))
        };
        let v1::Frame { stream, sequence, captured_at, .. } = &*frame;
        let identity = v1::Frame {
            stream: stream.clone(),
            sequence: *sequence,
            captured_at: *captured_at,
            payload: None,
        };
        (identity, contradiction)
    }

    async fn handle(
        &self,
        request: Request<v1::ProcessRequest>,
    ) -> Result<Encoded<v1::ProcessResponse>, Failure> {
        self.0.run(request).await
    }

    fn failed(
        &self,
        frame: v1::Frame,
        context: &MessageContext,
        failure: &Failure,
    ) -> Encoded<v1::ProcessResponse> {
        Encoded::new(&v1::ProcessResponse {
            frame: Some(frame),
            error: Some(failure.to_wire(&context.request_id)),
            worker: self.0.name.to_string(),
            ..Default::default()
        })
    }
}
