//! An immutable map from hashes to lists of numbers. Two keys with one hash share a list: what is found is compared in
//! full anyway.

use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    hash: u64,
    start: u32,
    /// 0 marks an empty slot.
    length: u32,
}

/// Open addressing over at least twice as many slots as keys.
#[derive(Debug, Default)]
pub(super) struct Table {
    slots: Box<[Slot]>,
    numbers: Box<[u32]>,
}

impl Table {
    /// The lists keep their order.
    pub(super) fn new(lists: &BTreeMap<u64, Vec<u32>>) -> Self {
        let mut slots = vec![Slot::default(); (2 * lists.len()).next_power_of_two()];
        let mut numbers = Vec::new();
        for (hash, list) in lists.iter().filter(|(_, list)| !list.is_empty()) {
            let (start, length) = (count(numbers.len()), count(list.len()));
            numbers.extend_from_slice(list);
            place(&mut slots, Slot { hash: *hash, start, length });
        }
        Self { slots: slots.into(), numbers: numbers.into() }
    }

    /// The list of a hash; empty for one that is not there.
    pub(super) fn get(&self, hash: u64) -> &[u32] {
        let mut at = first(hash, self.slots.len());
        while let Some(slot) = self.slots.get(at).filter(|slot| slot.length != 0) {
            if slot.hash == hash {
                let start = slot.start as usize;
                return self.numbers.get(start..start + slot.length as usize).unwrap_or_default();
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
        &[]
    }
}

fn place(slots: &mut [Slot], slot: Slot) {
    let mask = slots.len() - 1;
    let mut at = first(slot.hash, slots.len());
    while slots.get(at).is_some_and(|taken| taken.length != 0) {
        at = (at + 1) & mask;
    }
    if let Some(free) = slots.get_mut(at) {
        *free = slot;
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the hash is cut to the size of the table")]
fn first(hash: u64, slots: usize) -> usize {
    hash as usize & slots.wrapping_sub(1)
}

/// Numbers of statements fit: a document has no room for four billion of them.
pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_found_by_their_hash_only() {
        // Multiples of 64 collide in the first slot.
        let lists: BTreeMap<u64, Vec<u32>> =
            (0..20_u32).map(|n| (u64::from(n) * 64, vec![n, n + 1])).collect();
        let table = Table::new(&lists);
        for (hash, list) in &lists {
            assert_eq!(table.get(*hash), list);
            assert!(table.get(hash + 1).is_empty());
        }
        assert!(Table::default().get(0).is_empty());
        assert!(Table::new(&BTreeMap::new()).get(0).is_empty());
    }
}
