//! A list of 256 entries as shorter lists, for instructions that look up in 64 entries.
//!
//! Curves and steps have few shapes, where a shape is how the results of four neighbouring values
//! rise from the first of them. So the short form is those shapes, overlapping where they fit, and
//! for each four values the place of their shape and the number to add to it.

#![allow(clippy::indexing_slicing, reason = "places lie within what there is")]

use arrayvec::ArrayVec;

/// The number of neighbouring values that share a place.
const QUAD: usize = 4;

/// A list with more changes from one value to the next is a curve, which needs something to be
/// added.
const STEPS: u8 = 31;

type Short = [u8; 64];

/// A list where `list[value]` is `entries[value + places[value / 4]] + bases[value / 4]`. Sums
/// wrap, and only the lowest six bits of the index count.
#[derive(Clone, Debug)]
pub(super) struct Quads {
    pub(super) places: Short,
    pub(super) entries: Short,
    /// `None` if there is nothing to add.
    pub(super) bases: Option<Short>,
}

impl Quads {
    /// The short form of a list, unless the list has too many shapes.
    pub(super) fn of(list: &[u8; 256]) -> Option<Self> {
        let changes = list.array_windows().map(|[one, next]| u8::from(one != next)).sum::<u8>();
        let plain = if changes <= STEPS { Self::with(false, list) } else { None };
        plain.or_else(|| Self::with(true, list))
    }

    fn with(based: bool, list: &[u8; 256]) -> Option<Self> {
        let shape = |quad: &[u8; QUAD]| {
            let base = if based { quad[0] } else { 0 };
            u32::from_le_bytes(quad.map(|value| value.wrapping_sub(base)))
        };
        let (mut places, mut entries, mut bases) = ([0; 64], [0_u8; 64], [0; 64]);
        // Of the entries from each place on.
        let mut shapes = ArrayVec::<u32, 64>::new();
        let mut len = 0;
        for (at, quad) in list.as_chunks::<QUAD>().0.iter().enumerate() {
            let wanted = shape(quad);
            let base = |place: usize| if based { quad[0].wrapping_sub(entries[place]) } else { 0 };
            // Neighbours are alike, so that the last ones are tried first.
            let place = match shapes.iter().rposition(|shape| *shape == wanted) {
                Some(place) => place,
                None => {
                    // Perhaps it begins as the entries end.
                    let place = (shapes.len()..=len.min(64 - QUAD)).find(|place| {
                        let mut both = entries[*place..len].iter().zip(quad);
                        both.all(|(entry, value)| entry.wrapping_add(base(*place)) == *value)
                    })?;
                    let base = base(place);
                    let new = entries[place..].iter_mut().zip(quad);
                    new.for_each(|(entry, value)| *entry = value.wrapping_sub(base));
                    len = place + QUAD;
                    for at in shapes.len()..=place {
                        shapes.push(shape(&[0, 1, 2, 3].map(|next| entries[at + next])));
                    }
                    place
                }
            };
            bases[at] = if based { quad[0].wrapping_sub(entries[place]) } else { 0 };
            places[at] = (place as u8).wrapping_sub((QUAD * at) as u8);
        }
        Some(Self { places, entries, bases: based.then_some(bases) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(power: f64) -> [u8; 256] {
        std::array::from_fn(|value| ((value as f64 / 255.0).powf(power) * 255.0).round() as u8)
    }

    #[test]
    fn curves_and_steps_fit_and_each_value_is_found() {
        let [identity, bright] = [1.0, 0.45].map(curve);
        let based = [
            identity,
            bright,
            curve(2.2),
            identity.map(|value| 255 - value),
            // More than 255 wraps.
            bright.map(|value| value.wrapping_mul(3)),
        ];
        let plain = [
            identity.map(|value| if value < 101 { 0 } else { 255 }),
            // Eight levels, whose limits lie anywhere in the quads.
            identity.map(|value| ((u32::from(value) * 14 + 255) / 510 * 36) as u8),
        ];
        let all =
            based.iter().map(|list| (list, true)).chain(plain.iter().map(|list| (list, false)));
        for (list, is_based) in all {
            let Quads { places, entries, bases } = Quads::of(list).unwrap();
            assert_eq!(bases.is_some(), is_based);
            let bases = bases.unwrap_or([0; 64]);
            for value in 0_u8..=255 {
                let quad = usize::from(value) / QUAD;
                let index = value.wrapping_add(places[quad]) & 63;
                let is = entries[usize::from(index)].wrapping_add(bases[quad]);
                assert_eq!(is, list[usize::from(value)], "{value}");
            }
        }
    }

    #[test]
    fn a_list_of_many_shapes_does_not_fit() {
        let list = std::array::from_fn(|value| (value * value * 167 / 13) as u8);
        assert!(Quads::of(&list).is_none());
    }
}
