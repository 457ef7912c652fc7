//! The waiting room of live frames. When it is full, the oldest frame is dropped.

use std::collections::VecDeque;

/// The reason why a live frame is not answered. At any time, `frames in = frames out + frames
/// dropped + frames in progress`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// The deadline of the frame passed before the work began.
    Deadline,
    /// The queue was full, and the frame was the oldest in it.
    NoCredit,
    /// A newer frame of the same stream replaced it.
    Superseded,
    /// Too much already waits to be sent to the broker, so the answer was dropped.
    SlowConsumer,
    /// The frame exceeds a limit.
    TooLarge,
    /// The message cannot be decoded.
    DecodeFailed,
    /// The service is stopping.
    ShuttingDown,
}

impl DropReason {
    /// Every reason.
    pub const ALL: [Self; 7] = [
        Self::Deadline,
        Self::NoCredit,
        Self::Superseded,
        Self::SlowConsumer,
        Self::TooLarge,
        Self::DecodeFailed,
        Self::ShuttingDown,
    ];

    /// The name of the reason in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deadline => "deadline",
            Self::NoCredit => "no_credit",
            Self::Superseded => "superseded",
            Self::SlowConsumer => "slow_consumer",
            Self::TooLarge => "too_large",
            Self::DecodeFailed => "decode_failed",
            Self::ShuttingDown => "shutting_down",
        }
    }
}

/// A frame in the queue, with what the queue needs to know about it.
#[derive(Debug)]
pub struct Queued<T> {
    /// The stream that the frame belongs to, unique among all tenants.
    pub stream: String,
    /// The length of the frame in bytes.
    pub bytes: usize,
    /// The frame itself.
    pub frame: T,
}

/// A queue of frames, bounded by count and by bytes.
#[derive(Debug)]
pub struct LatestQueue<T> {
    frames: VecDeque<Queued<T>>,
    bytes: usize,
    max_frames: usize,
    max_bytes: usize,
}

impl<T> LatestQueue<T> {
    /// A queue that holds at most `max_frames` frames of `max_bytes` bytes in all. A single frame
    /// always fits.
    #[must_use]
    pub fn new(max_frames: usize, max_bytes: usize) -> Self {
        Self { frames: VecDeque::new(), bytes: 0, max_frames: max_frames.max(1), max_bytes }
    }

    /// Adds a frame, and returns the frames that were dropped to make room, each with the reason:
    /// the oldest of the same stream first, then the oldest of all.
    pub fn push(&mut self, frame: Queued<T>) -> Vec<(DropReason, Queued<T>)> {
        let mut left = Vec::new();
        while !self.frames.is_empty()
            && (self.frames.len() >= self.max_frames || self.bytes + frame.bytes > self.max_bytes)
        {
            let same = self.frames.iter().position(|queued| queued.stream == frame.stream);
            let reason = if same.is_some() { DropReason::Superseded } else { DropReason::NoCredit };
            if let Some(old) = self.frames.remove(same.unwrap_or(0)) {
                self.bytes -= old.bytes;
                left.push((reason, old));
            }
        }
        self.bytes += frame.bytes;
        self.frames.push_back(frame);
        left
    }

    /// Takes the oldest frame from the queue.
    pub fn pop(&mut self) -> Option<Queued<T>> {
        let frame = self.frames.pop_front()?;
        self.bytes -= frame.bytes;
        Some(frame)
    }

    /// Whether no frame is waiting.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// The number of waiting frames.
    #[must_use]
    pub fn len(&self) -> usize {
        self.frames.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(stream: &str, bytes: usize, frame: u32) -> Queued<u32> {
        Queued { stream: stream.into(), bytes, frame }
    }

    fn dropped(left: Vec<(DropReason, Queued<u32>)>) -> Vec<(DropReason, u32)> {
        left.into_iter().map(|(reason, queued)| (reason, queued.frame)).collect()
    }

    #[test]
    fn with_room_nothing_leaves() {
        let mut queue = LatestQueue::new(3, 100);
        for number in 0..3 {
            assert!(queue.push(frame("a", 1, number)).is_empty());
        }
        assert_eq!(queue.pop().unwrap().frame, 0);
    }

    #[test]
    fn the_oldest_of_the_same_stream_leaves_first() {
        let mut queue = LatestQueue::new(3, 100);
        for (stream, number) in [("b", 0), ("a", 1), ("a", 2)] {
            queue.push(frame(stream, 1, number));
        }
        assert_eq!(dropped(queue.push(frame("a", 1, 3))), [(DropReason::Superseded, 1)]);
        assert_eq!(dropped(queue.push(frame("c", 1, 4))), [(DropReason::NoCredit, 0)]);
    }

    #[test]
    fn bytes_bound_it_too_and_one_large_frame_still_fits() {
        let mut queue = LatestQueue::new(10, 10);
        queue.push(frame("a", 6, 0));
        queue.push(frame("b", 4, 1));
        assert_eq!(dropped(queue.push(frame("c", 5, 2))), [(DropReason::NoCredit, 0)]);
        assert_eq!(queue.push(frame("c", 50, 3)).len(), 2);
        assert_eq!(queue.len(), 1);
    }

    proptest! {
        #[test]
        fn in_is_out_plus_drops_plus_waiting(
            frames in proptest::collection::vec((0u8..4, 0usize..20, any::<bool>()), 0..200),
        ) {
            let mut queue = LatestQueue::new(5, 40);
            let (mut taken, mut gone) = (0, 0);
            let total = frames.len();
            for (number, (stream, bytes, pop)) in frames.into_iter().enumerate() {
                let number = u32::try_from(number).unwrap();
                gone += queue.push(frame(&stream.to_string(), bytes, number)).len();
                taken += usize::from(pop && queue.pop().is_some());
                prop_assert!(queue.len() <= 5);
                prop_assert!(queue.len() <= 1 || queue.bytes <= 40);
            }
            prop_assert_eq!(total, taken + gone + queue.len());
        }
    }
}
