//! Writes a `ProcessRequest` with the image as its last bytes.
//!
//! Protobuf fields may come in any order. Everything but the image is written first, with the
//! lengths that follow from the image's length. The body of the HTTP request is then appended as it
//! arrives, and each byte is copied once. A test shows that prost decodes the same request as from
//! its own encoding.

use bytes::{BufMut as _, Bytes, BytesMut};
use ocelli_messages::v1;
use prost::{Message as _, length_delimiter_len};

/// The key of a length-delimited field with a number below 16.
const fn key(field: u8) -> u8 {
    (field << 3) | 2
}

// Field numbers of messages/proto/ocelli/v1/{process,frame}.proto.
const REQUEST_FRAME: u8 = key(1);
const REQUEST_PIPELINE: u8 = key(2);
const FRAME_RAW: u8 = key(4);
const FRAME_ENCODED: u8 = key(5);
const RAW_DATA: u8 = key(5);
const ENCODED_DATA: u8 = key(2);

/// The image is longer or shorter than was announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{announced} bytes were announced, but {actual} were sent")]
pub struct WrongLength {
    announced: usize,
    actual: usize,
}

/// A request whose image is still arriving.
#[derive(Debug)]
pub struct RequestWriter {
    buffer: BytesMut,
    image_at: usize,
    announced: usize,
}

/// A complete request.
#[derive(Clone, Debug)]
pub struct WrittenRequest {
    /// The encoded `ProcessRequest`.
    pub message: Bytes,
    /// The image within the message.
    pub image: Bytes,
}

impl RequestWriter {
    /// Starts a request with an image of `length` bytes. With `raw` they are pixels in that layout,
    /// whose `data` is ignored; without it they are an image file, and the file itself says of
    /// which codec.
    #[must_use]
    pub fn new(pipeline: &v1::Pipeline, raw: Option<&v1::RawImage>, length: usize) -> Self {
        let (payload_key, data_key, fields) = match raw {
            Some(raw) => {
                let fields = v1::RawImage { data: Bytes::new(), ..raw.clone() };
                (FRAME_RAW, RAW_DATA, fields.encode_to_vec())
            }
            None => (FRAME_ENCODED, ENCODED_DATA, Vec::new()),
        };
        let image_length = fields.len() + field_length(length);
        let frame_length = field_length(image_length);
        let pipeline = pipeline.encode_to_vec();
        let total = field_length(pipeline.len()) + field_length(frame_length);
        let mut buffer = BytesMut::with_capacity(total);
        put_field(&mut buffer, REQUEST_PIPELINE, pipeline.len());
        buffer.put_slice(&pipeline);
        put_field(&mut buffer, REQUEST_FRAME, frame_length);
        put_field(&mut buffer, payload_key, image_length);
        buffer.put_slice(&fields);
        put_field(&mut buffer, data_key, length);
        let image_at = buffer.len();
        debug_assert_eq!(image_at + length, total);
        Self { buffer, image_at, announced: length }
    }

    /// Appends the next bytes of the image.
    ///
    /// # Errors
    /// If that makes more bytes than were announced; nothing is appended then.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), WrongLength> {
        let actual = self.buffer.len() - self.image_at + bytes.len();
        if actual > self.announced {
            return Err(WrongLength { announced: self.announced, actual });
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// Ends the image and returns the message.
    ///
    /// # Errors
    /// If fewer bytes were appended than were announced.
    pub fn finish(self) -> Result<WrittenRequest, WrongLength> {
        let actual = self.buffer.len() - self.image_at;
        if actual != self.announced {
            return Err(WrongLength { announced: self.announced, actual });
        }
        let message = self.buffer.freeze();
        let image = message.slice(self.image_at..);
        Ok(WrittenRequest { message, image })
    }
}

/// Writes the start of a length-delimited field: its key, and its length as a varint.
fn put_field(buffer: &mut BytesMut, key: u8, mut length: usize) {
    buffer.put_u8(key);
    while length >= 0x80 {
        buffer.put_u8((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    buffer.put_u8(length as u8);
}

/// The bytes that a length-delimited field takes, including its key and its length.
fn field_length(content: usize) -> usize {
    1 + length_delimiter_len(content) + content
}

#[cfg(test)]
mod tests {
    use proptest::{collection, option, prelude::*};

    use super::*;

    fn plain(
        pipeline: &v1::Pipeline,
        raw: Option<&v1::RawImage>,
        data: &[u8],
    ) -> v1::ProcessRequest {
        let data = Bytes::copy_from_slice(data);
        let payload = match raw {
            Some(raw) => v1::frame::Payload::Raw(v1::RawImage { data, ..raw.clone() }),
            None => v1::frame::Payload::Encoded(v1::EncodedImage { codec: 0, data }),
        };
        let frame = v1::Frame { payload: Some(payload), ..Default::default() };
        v1::ProcessRequest { frame: Some(frame), pipeline: Some(pipeline.clone()) }
    }

    fn pipelines() -> impl Strategy<Value = v1::Pipeline> {
        let step = ("[a-z]{0,9}", collection::btree_map("[a-z]{1,5}", ".{0,9}", 0..4));
        let steps = collection::vec(step, 0..5);
        (steps, option::of(0..4_i32), 0..4_i32, 0..101_u32).prop_map(
            |(steps, codec, accelerator, quality)| v1::Pipeline {
                steps: steps
                    .into_iter()
                    .map(|(id, parameters)| v1::Step {
                        kind: Some(v1::step::Kind::Filter(v1::FilterStep { id, parameters })),
                    })
                    .collect(),
                output: codec.map(|codec| v1::OutputFormat {
                    kind: Some(v1::output_format::Kind::Encoded(v1::EncodedOutput {
                        codec,
                        quality,
                    })),
                }),
                accelerator,
            },
        )
    }

    fn images() -> impl Strategy<Value = Option<v1::RawImage>> {
        option::of((any::<u32>(), any::<u32>(), any::<u32>(), 0..7_i32).prop_map(
            |(width, height, stride, format)| v1::RawImage {
                width,
                height,
                stride,
                format,
                data: Bytes::new(),
            },
        ))
    }

    proptest! {
        #[test]
        fn prost_reads_the_same_message_as_from_its_own_encoding(
            pipeline in pipelines(),
            raw in images(),
            data in collection::vec(any::<u8>(), 0..40_000),
            chunk in 1..9_000_usize,
        ) {
            let mut writer = RequestWriter::new(&pipeline, raw.as_ref(), data.len());
            let (start, room) = (writer.buffer.as_ptr(), writer.buffer.capacity());
            for chunk in data.chunks(chunk) {
                writer.push(chunk).unwrap();
            }
            prop_assert_eq!((start, room), (writer.buffer.as_ptr(), writer.buffer.capacity()));
            let written = writer.finish().unwrap();
            let plain = plain(&pipeline, raw.as_ref(), &data);
            prop_assert_eq!(&written.image[..], &data[..]);
            prop_assert_eq!(v1::ProcessRequest::decode(written.message.clone()).unwrap(), plain.clone());
            let ours = v1::ProcessRequest::decode(plain.encode_to_vec().as_slice()).unwrap();
            prop_assert_eq!(v1::ProcessRequest::decode(written.message).unwrap(), ours);
        }
    }

    #[test]
    fn the_announced_length_holds() {
        let writer = || RequestWriter::new(&v1::Pipeline::default(), None, 3);
        let mut more = writer();
        more.push(b"ab").unwrap();
        assert_eq!(more.push(b"cd"), Err(WrongLength { announced: 3, actual: 4 }));
        let mut less = writer();
        less.push(b"ab").unwrap();
        let error = less.finish().unwrap_err();
        assert_eq!(error.to_string(), "3 bytes were announced, but 2 were sent");
    }
}
