//! The part of W3C Trace Context that must be understood to pass a trace on.

use std::{fmt, str::FromStr};

/// The header `traceparent`: which trace a message belongs to, and which span sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceParent {
    trace_id: u128,
    span_id: u64,
    flags: u8,
}

impl TraceParent {
    /// Builds a parent from a trace id, a span id and trace flags. Returns `None` if an id is zero,
    /// which W3C forbids.
    #[must_use]
    pub const fn from_ids(trace_id: u128, span_id: u64, flags: u8) -> Option<Self> {
        if trace_id == 0 || span_id == 0 { None } else { Some(Self { trace_id, span_id, flags }) }
    }

    /// Starts a new trace with random ids, marked as sampled.
    #[must_use]
    pub fn random() -> Self {
        let trace_id = uuid::Uuid::new_v4().as_u128();
        Self { trace_id, span_id: random_span_id(), flags: 1 }
    }

    /// The same trace with a new, random span id.
    #[must_use]
    pub fn child(self) -> Self {
        Self { span_id: random_span_id(), ..self }
    }

    /// The id of the trace, never zero.
    #[must_use]
    pub const fn trace_id(self) -> u128 {
        self.trace_id
    }

    /// The id of the span that sent the message, never zero.
    #[must_use]
    pub const fn span_id(self) -> u64 {
        self.span_id
    }

    /// The trace flags; bit 0 means "sampled".
    #[must_use]
    pub const fn flags(self) -> u8 {
        self.flags
    }
}

fn random_span_id() -> u64 {
    // The upper half of a version 4 UUID is never zero, because it holds the version.
    uuid::Uuid::new_v4().as_u64_pair().0
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, self.flags)
    }
}

impl FromStr for TraceParent {
    type Err = ();

    /// Reads any version. As W3C asks, the unknown fields of a later version are ignored.
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split('-');
        let mut hex = |digits: usize| {
            let part = parts.next().filter(|part| part.len() == digits)?;
            let lower = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
            part.bytes().all(lower).then(|| u128::from_str_radix(part, 16).ok()).flatten()
        };
        let (version, trace_id) = (hex(2).ok_or(())?, hex(32).ok_or(())?);
        let (span_id, flags) = (hex(16).ok_or(())?, hex(2).ok_or(())?);
        let more = parts.next().is_some();
        if version == 0xff || (version == 0 && more) {
            return Err(());
        }
        let (span_id, flags) = (span_id.try_into(), flags.try_into());
        Self::from_ids(trace_id, span_id.map_err(|_| ())?, flags.map_err(|_| ())?).ok_or(())
    }
}

/// The trace headers of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The header `traceparent`.
    pub parent: TraceParent,
    /// The header `tracestate`, passed on unchanged.
    pub state: Option<String>,
    /// The header `baggage`, passed on unchanged.
    pub baggage: Option<String>,
}

impl TraceContext {
    /// Starts a new trace without state and baggage.
    #[must_use]
    pub fn random() -> Self {
        Self { parent: TraceParent::random(), state: None, baggage: None }
    }

    /// The same trace with a new, random span id.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { parent: self.parent.child(), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_example_of_the_specification() {
        let parent: TraceParent = EXAMPLE.parse().unwrap();
        assert_eq!(parent.trace_id(), 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!(parent.span_id(), 0x00f0_67aa_0ba9_02b7);
        assert_eq!(parent.flags(), 1);
        assert_eq!(parent.to_string(), EXAMPLE);
        let child = parent.child();
        assert_eq!(child.trace_id(), parent.trace_id());
        assert_ne!(child.span_id(), parent.span_id());
    }

    #[test]
    fn what_the_specification_forbids() {
        for text in [
            "",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        ] {
            assert!(text.parse::<TraceParent>().is_err(), "{text}");
        }
        let later = "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes";
        assert!(later.parse::<TraceParent>().is_ok());
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "[0-9a-f-]{0,60}|.{0,60}") {
            text.parse::<TraceParent>().ok();
        }

        #[test]
        fn what_is_written_is_read_back(trace in 1u128.., span in 1u64.., flags: u8) {
            let parent = TraceParent::from_ids(trace, span, flags).unwrap();
            prop_assert_eq!(parent.to_string().parse(), Ok(parent));
        }
    }
}
