//! A cache with a limit, which drops what was not used for longest.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// A map with a limit; the values that were not used for longest are dropped first.
#[derive(Debug)]
pub(super) struct Bounded<K, V> {
    entries: HashMap<K, Entry<V>>,
    weight: usize,
    limit: usize,
    clock: u64,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    weight: usize,
    used: u64,
}

impl<K: Hash + Eq + Clone, V> Bounded<K, V> {
    /// A map whose values have at most that weight together. A single heavier value is kept alone.
    pub(super) fn new(limit: usize) -> Self {
        Self { entries: HashMap::new(), weight: 0, limit, clock: 0 }
    }

    pub(super) fn get<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.clock += 1;
        let entry = self.entries.get_mut(key)?;
        entry.used = self.clock;
        Some(&mut entry.value)
    }

    pub(super) fn insert(&mut self, key: K, value: V, weight: usize) {
        self.clock += 1;
        let entry = Entry { value, weight, used: self.clock };
        self.weight += weight;
        if let Some(before) = self.entries.insert(key, entry) {
            self.weight -= before.weight;
        }
        while self.weight > self.limit && self.entries.len() > 1 {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used);
            let Some(key) = oldest.map(|(key, _)| key.clone()) else { break };
            self.weight -= self.entries.remove(&key).map_or(0, |entry| entry.weight);
        }
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.weight = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_that_was_not_used_for_longest_goes_first() {
        let mut kept = Bounded::<&str, u8>::new(10);
        kept.insert("a", 1, 4);
        kept.insert("b", 2, 4);
        assert_eq!(kept.get("a"), Some(&mut 1));
        kept.insert("c", 3, 4);
        assert_eq!((kept.get("b").copied(), kept.weight), (None, 8));
        assert!(kept.get("a").is_some() && kept.get("c").is_some());
    }

    #[test]
    fn the_newest_stays_even_if_it_is_too_heavy_and_replaces_its_like() {
        let mut kept = Bounded::<&str, u8>::new(10);
        kept.insert("a", 1, 4);
        kept.insert("b", 2, 40);
        assert_eq!(kept.get("a"), None);
        assert_eq!((kept.get("b").copied(), kept.weight), (Some(2), 40));
        kept.insert("b", 3, 5);
        assert_eq!((kept.get("b").copied(), kept.weight), (Some(3), 5));
        kept.clear();
        assert_eq!((kept.get("b").copied(), kept.weight), (None, 0));
    }
}
