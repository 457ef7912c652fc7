//! Messages that are already encoded.

use std::marker::PhantomData;

use bytes::Bytes;
use prost::Message;

/// An encoded message of type `M`.
///
/// Handlers return this instead of an `M`, because some of them write their response directly into
/// the bytes that are sent, so that pixels are never copied.
pub struct Encoded<M> {
    bytes: Bytes,
    message: PhantomData<fn() -> M>,
}

impl<M: Message> Encoded<M> {
    /// Encodes a message.
    pub fn new(message: &M) -> Self {
        Self::from_bytes(message.encode_to_vec().into())
    }

    /// Wraps bytes that the caller has already encoded as an `M`.
    #[must_use]
    pub const fn from_bytes(bytes: Bytes) -> Self {
        Self { bytes, message: PhantomData }
    }

    /// Converts the message into the bytes to send.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }
}

impl<M> std::fmt::Debug for Encoded<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoded").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}
