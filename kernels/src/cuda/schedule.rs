//! Assigns batches to lanes, so that copies of one batch overlap with computing another.

/// A batch that was submitted to the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(u64);

/// The batch of each lane, if it has one.
#[derive(Debug)]
pub(super) struct Schedule {
    lanes: Vec<Option<Ticket>>,
    next: u64,
}

impl Schedule {
    pub(super) fn new(lanes: usize) -> Self {
        Self { lanes: vec![None; lanes], next: 0 }
    }

    /// Takes a free lane, and makes a ticket for its batch; `None` if all lanes are busy.
    pub(super) fn take(&mut self) -> Option<(usize, Ticket)> {
        let ticket = Ticket(self.next);
        let (index, lane) = self.lanes.iter_mut().enumerate().find(|(_, lane)| lane.is_none())?;
        *lane = Some(ticket);
        self.next += 1;
        Some((index, ticket))
    }

    /// The lane of a ticket.
    pub(super) fn lane(&self, ticket: Ticket) -> Option<usize> {
        self.lanes.iter().position(|lane| *lane == Some(ticket))
    }

    /// Frees the lane of a ticket.
    pub(super) fn finish(&mut self, ticket: Ticket) {
        let mine = self.lanes.iter_mut().filter(|lane| **lane == Some(ticket));
        mine.for_each(|lane| *lane = None);
    }

    /// The number of free lanes.
    pub(super) fn free(&self) -> usize {
        self.lanes.iter().filter(|lane| lane.is_none()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_taken_and_given_back_in_any_order() {
        let mut schedule = Schedule::new(2);
        let (first_lane, first) = schedule.take().unwrap();
        let (second_lane, second) = schedule.take().unwrap();
        assert_ne!(first_lane, second_lane);
        assert_ne!(first, second);
        assert_eq!((schedule.take(), schedule.free()), (None, 0));
        assert_eq!(schedule.lane(second), Some(second_lane));
        schedule.finish(second);
        // A ticket counts once.
        assert_eq!((schedule.lane(second), schedule.free()), (None, 1));
        schedule.finish(second);
        let (third_lane, third) = schedule.take().unwrap();
        assert_eq!(third_lane, second_lane);
        assert_eq!(
            (schedule.lane(first), schedule.lane(third)),
            (Some(first_lane), Some(third_lane))
        );
    }
}
