//! Objects: whole and undamaged or not at all, whatever happens to the broker.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::large_futures, reason = "a test has one of them")]

#[path = "jetstream/support.rs"]
mod support;

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use ocelli_actors::broker::{DeliveryClass, JetStream, Key, Objects, ObjectsSpec};
use ocelli_messages::{ErrorKind, Failure, Tenant};
use ocelli_testkit::{Broker, Cluster, patiently, wait_until};
use support::{connect, connect_to};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, ReadBuf};

const MIB: usize = 1024 * 1024;
const STREAM: &str = "OBJ_files_default";

fn spec() -> ObjectsSpec {
    ObjectsSpec::new("files", Tenant::default(), DeliveryClass::Replicated)
}

async fn files(jetstream: &JetStream) -> (Objects, Key) {
    let objects = Objects::open(jetstream, spec()).await.unwrap();
    let name = objects.name("videos/a=1.mp4").unwrap();
    (objects, name)
}

/// Bytes that differ from place to place, so that a swapped chunk is noticed.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index / 251 + index) as u8).collect()
}

async fn read(objects: &Objects, name: &Key) -> Result<Bytes, Failure> {
    let reader = objects.get(name).await?;
    patiently("the object", Box::pin(reader.read_all(64 * MIB))).await.unwrap()
}

/// How many messages and bytes the bucket holds.
async fn kept(jetstream: &JetStream) -> (u64, u64) {
    let stream = jetstream.context().get_stream(STREAM).await.unwrap();
    let state = stream.get_info().await.unwrap().state;
    (state.messages, state.bytes)
}

/// Gives bytes in small pieces, and fails after some.
struct Source {
    left: usize,
    piece: usize,
    fails: bool,
}

impl AsyncRead for Source {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let length = self.piece.min(self.left).min(buffer.remaining());
        if length == 0 && self.fails {
            return Poll::Ready(Err(io::Error::other("the disk is gone")));
        }
        buffer.put_slice(&vec![7; length]);
        self.left -= length;
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn what_was_put_is_read_and_deleted() {
    let broker = Broker::start().await.unwrap();
    let jetstream = connect(&broker).await;
    let (objects, name) = files(&jetstream).await;
    assert_eq!(objects.info(&name).await.unwrap_err().kind, ErrorKind::NotFound);
    for length in [0, 1, 512 * 1024, 512 * 1024 + 1, 9 * MIB] {
        let data = bytes(length);
        let info = objects.put(&name, &mut &data[..]).await.unwrap();
        assert_eq!(info.size, length as u64);
        assert_eq!(info.chunks, length.div_ceil(512 * 1024) as u64);
        assert_eq!(objects.info(&name).await.unwrap(), info);
        assert_eq!(read(&objects, &name).await.unwrap(), data, "{length} bytes");
        assert_eq!(objects.list().await.unwrap(), [info]);
        assert_eq!(kept(&jetstream).await.0, length.div_ceil(512 * 1024) as u64 + 1);
    }
    let failure = objects.get(&name).await.unwrap().read_all(9 * MIB - 1).await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::TooLarge);
    objects.delete(&name).await.unwrap();
    assert_eq!(objects.delete(&name).await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(objects.get(&name).await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(objects.list().await.unwrap(), []);
    assert_eq!(kept(&jetstream).await.0, 1, "the description of a deleted object");
    assert_eq!(objects.sweep(Duration::ZERO).await.unwrap(), 1);
    assert_eq!(kept(&jetstream).await.0, 0);
    objects.put(&name, &mut &b"again"[..]).await.unwrap();
    assert_eq!(&read(&objects, &name).await.unwrap()[..], b"again");
}

#[tokio::test]
async fn short_reads_make_full_chunks() {
    let broker = Broker::start().await.unwrap();
    let (objects, name) = files(&connect(&broker).await).await;
    let mut source = Source { left: 8 * MIB, piece: 1_400, fails: false };
    let info = objects.put(&name, &mut source).await.unwrap();
    assert_eq!((info.size, info.chunks), (8 * MIB as u64, 16));
}

#[tokio::test]
async fn the_client_librarys_objects_and_ours_are_the_same() {
    let broker = Broker::start().await.unwrap();
    let jetstream = connect(&broker).await;
    let (objects, name) = files(&jetstream).await;
    let theirs = jetstream.context().get_object_store("files_default").await.unwrap();
    let data = bytes(3 * MIB);

    objects.put(&name, &mut &data[..]).await.unwrap();
    let mut object = theirs.get(name.as_str()).await.unwrap();
    let mut read_by_them = Vec::new();
    object.read_to_end(&mut read_by_them).await.unwrap();
    assert_eq!(read_by_them, data);

    let other = objects.name("theirs").unwrap();
    theirs.put(other.as_str(), &mut &data[..]).await.unwrap();
    assert_eq!(read(&objects, &other).await.unwrap(), data);
    theirs.put(name.as_str(), &mut &b"replaced"[..]).await.unwrap();
    assert_eq!(&read(&objects, &name).await.unwrap()[..], b"replaced");
    objects.delete(&name).await.unwrap();
    assert!(theirs.get(name.as_str()).await.is_err());
    theirs.delete(other.as_str()).await.unwrap();
    assert_eq!(objects.list().await.unwrap(), []);
}

#[tokio::test]
async fn a_failed_put_leaves_what_was_there_and_no_chunks() {
    let broker = Broker::start().await.unwrap();
    let jetstream = connect(&broker).await;
    let (objects, name) = files(&jetstream).await;
    objects.put(&name, &mut &b"first"[..]).await.unwrap();
    let before = kept(&jetstream).await;
    let mut source = Source { left: 6 * MIB, piece: 100_000, fails: true };
    let failure = objects.put(&name, &mut source).await.unwrap_err();
    assert!(failure.message.contains("the disk is gone"), "{failure}");
    assert_eq!(&read(&objects, &name).await.unwrap()[..], b"first");
    assert_eq!(kept(&jetstream).await, before);
}

#[tokio::test]
async fn a_full_bucket_refuses_a_put_and_keeps_nothing_of_it() {
    let broker = Broker::start().await.unwrap();
    let jetstream = connect(&broker).await;
    let limited = ObjectsSpec { max_bytes: Some(4 * MIB as u64), ..spec() };
    let objects = Objects::open(&jetstream, limited).await.unwrap();
    let name = objects.name("large").unwrap();
    let mut source = Source { left: 6 * MIB, piece: MIB, fails: false };
    let failure = objects.put(&name, &mut source).await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Overloaded, "{failure}");
    assert_eq!(kept(&jetstream).await.0, 0);
}

/// Changes something of a stored object behind its back, and returns how reading it fails then.
async fn damage(change: impl AsyncFnOnce(&JetStream, &str, Vec<u64>)) -> Failure {
    let broker = Broker::start().await.unwrap();
    let jetstream = connect(&broker).await;
    let (objects, name) = files(&jetstream).await;
    objects.put(&name, &mut &bytes(3 * MIB)[..]).await.unwrap();
    let stream = jetstream.context().get_stream(STREAM).await.unwrap();
    let mut sequences = Vec::new();
    let mut subject = String::new();
    for sequence in 1..=6 {
        subject = stream.get_raw_message(sequence).await.unwrap().subject.to_string();
        sequences.push(sequence);
    }
    Box::pin(change(&jetstream, &subject, sequences)).await;
    read(&objects, &name).await.unwrap_err()
}

#[tokio::test]
async fn an_object_with_a_missing_chunk_is_damaged() {
    let failure = damage(async |jetstream, _, chunks| {
        let stream = jetstream.context().get_stream(STREAM).await.unwrap();
        stream.delete_message(chunks[2]).await.unwrap();
    })
    .await;
    assert_eq!(failure.kind, ErrorKind::Internal);
    assert!(failure.message.contains("only 5 of 6 chunks"), "{failure}");
}

#[tokio::test]
async fn an_object_with_a_changed_byte_is_damaged() {
    let failure = damage(async |jetstream, subject, chunks| {
        let stream = jetstream.context().get_stream(STREAM).await.unwrap();
        let last = stream.get_raw_message(chunks[5]).await.unwrap();
        stream.delete_message(chunks[5]).await.unwrap();
        let mut payload = last.payload.to_vec();
        payload[99] ^= 1;
        let publish = PublishMessage::build().payload(payload.into());
        let subject = subject.to_owned();
        jetstream.context().send_publish(subject, publish).await.unwrap().await.unwrap();
    })
    .await;
    assert_eq!(failure.kind, ErrorKind::Internal);
    assert!(failure.message.contains("digest"), "{failure}");
}

#[tokio::test]
async fn an_object_without_bytes_is_damaged() {
    let failure = damage(async |jetstream, subject, _| {
        let stream = jetstream.context().get_stream(STREAM).await.unwrap();
        stream.purge().filter(subject).await.unwrap();
    })
    .await;
    assert!(failure.message.contains("only 0 of 6 chunks"), "{failure}");
}

#[tokio::test]
async fn the_janitor_removes_what_nobody_needs() {
    let broker = Broker::start().await.unwrap();
    let jetstream = connect(&broker).await;
    let (objects, name) = files(&jetstream).await;
    objects.put(&name, &mut &bytes(MIB)[..]).await.unwrap();
    let before = kept(&jetstream).await;
    for orphan in ["orphan1", "orphan2"] {
        let subject = format!("$O.files_default.C.{orphan}");
        for _ in 0..3 {
            let ack = jetstream.context().publish(subject.clone(), "chunk".into()).await.unwrap();
            ack.await.unwrap();
        }
    }
    assert_eq!(objects.sweep(Duration::from_hours(1)).await.unwrap(), 0, "a put may go on");
    assert_eq!(objects.sweep(Duration::ZERO).await.unwrap(), 2);
    assert_eq!(kept(&jetstream).await, before);
    assert_eq!(read(&objects, &name).await.unwrap(), bytes(MIB));
}

#[tokio::test]
async fn of_two_puts_at_once_one_is_refused_and_leaves_nothing() {
    let broker = Broker::start().await.unwrap();
    let jetstream = connect(&broker).await;
    let (objects, name) = files(&jetstream).await;
    let (one, other) = (bytes(2 * MIB), vec![1; 2 * MIB]);
    let (mut first, mut second) = (&one[..], &other[..]);
    let (first, second) =
        tokio::join!(objects.put(&name, &mut first), objects.put(&name, &mut second));
    let expected = if first.is_ok() { &one } else { &other };
    let failure = first.and(second).expect_err("one of them comes second");
    assert_eq!(failure.kind, ErrorKind::Conflict, "{failure}");
    assert_eq!(&read(&objects, &name).await.unwrap(), expected);
    assert_eq!(kept(&jetstream).await.0, 5);
}

#[tokio::test]
async fn a_name_of_another_tenant_is_refused() {
    let broker = Broker::start().await.unwrap();
    let (objects, _) = files(&connect(&broker).await).await;
    let stranger = Key::new(&"acme".parse().unwrap(), "a").unwrap();
    for failure in [
        objects.put(&stranger, &mut &b""[..]).await.unwrap_err(),
        objects.get(&stranger).await.unwrap_err(),
        objects.delete(&stranger).await.unwrap_err(),
    ] {
        assert_eq!(failure.kind, ErrorKind::InvalidArgument, "{failure}");
    }
}

#[tokio::test]
async fn an_object_is_read_on_after_the_broker_was_killed() {
    let mut broker = Broker::start().await.unwrap();
    let jetstream = connect(&broker).await;
    let (objects, name) = files(&jetstream).await;
    let data = bytes(20 * MIB);
    objects.put(&name, &mut &data[..]).await.unwrap();
    let mut reader = objects.get(&name).await.unwrap();
    let mut all = reader.next().await.unwrap().unwrap().to_vec();
    broker.kill().await;
    let failure = patiently("get", objects.get(&name)).await.unwrap().unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Unavailable);
    broker.restart().await.unwrap();
    while let Some(chunk) = patiently("a chunk", reader.next()).await.unwrap().unwrap() {
        all.extend_from_slice(&chunk);
    }
    assert_eq!(all, data);
}

#[tokio::test]
async fn a_put_that_the_broker_leaves_is_not_visible_and_is_swept_away() {
    let mut broker = Broker::start().await.unwrap();
    let jetstream = connect(&broker).await;
    let (objects, name) = files(&jetstream).await;
    objects.put(&name, &mut &b"first"[..]).await.unwrap();
    let before = kept(&jetstream).await;
    // The other end of the pipe holds the put in its middle until the broker is gone.
    let (mut input, mut data) = tokio::io::duplex(MIB);
    let put = {
        let (objects, name) = (objects.clone(), name.clone());
        tokio::spawn(async move { objects.put(&name, &mut data).await })
    };
    patiently("the put reads", input.write_all(&bytes(8 * MIB))).await.unwrap().unwrap();
    let arrived = || async { (kept(&jetstream).await.0 > before.0 + 4).then_some(()) };
    wait_until("chunks have arrived", arrived).await.unwrap();
    broker.kill().await;
    let rest = patiently("the put ends", input.write_all(&bytes(64 * MIB))).await.unwrap();
    rest.expect_err("the put does not read on");
    assert_eq!(put.await.unwrap().unwrap_err().kind, ErrorKind::Unavailable);
    broker.restart().await.unwrap();
    let first = wait_until("the object can be read", || async { read(&objects, &name).await.ok() });
    assert_eq!(&first.await.unwrap()[..], b"first");
    assert!(kept(&jetstream).await.0 > before.0);
    assert_eq!(objects.sweep(Duration::ZERO).await.unwrap(), 1);
    assert_eq!(kept(&jetstream).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_cluster_an_object_outlives_the_leader() {
    let mut cluster = Cluster::start(3).await.unwrap();
    let jetstream = connect_to(&cluster.urls()[0]).await;
    let (objects, name) = files(&jetstream).await;
    let data = bytes(20 * MIB);
    objects.put(&name, &mut &data[..]).await.unwrap();
    let mut reader = objects.get(&name).await.unwrap();
    let mut all = reader.next().await.unwrap().unwrap().to_vec();
    cluster.kill_leader(STREAM).await.unwrap();
    while let Some(chunk) = patiently("a chunk", reader.next()).await.unwrap().unwrap() {
        all.extend_from_slice(&chunk);
    }
    assert_eq!(all, data);
    let again = || async { objects.put(&name, &mut &b"again"[..]).await.ok() };
    wait_until("an object is stored again", again).await.unwrap();
    assert_eq!(&read(&objects, &name).await.unwrap()[..], b"again");
}
