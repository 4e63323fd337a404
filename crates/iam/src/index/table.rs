//! An immutable map from hashes to lists of numbers, as small as it can be: a decision about thousands of statements
//! waits for memory more than for anything else. Two keys may share a list: what is found is compared in full anyway.

use std::collections::BTreeMap;

/// Marks a free slot, and is no number of a statement.
const FREE: u32 = u32::MAX;

/// Marks a number that is a place in `lists`.
const LIST: u32 = 1 << 31;

#[derive(Debug, Clone, Copy)]
struct Slot {
    /// The upper half of the hash.
    tag: u32,
    /// One number, or where a list of several is.
    value: u32,
}

/// Open addressing.
#[derive(Debug, Default)]
pub(super) struct Table {
    slots: Box<[Slot]>,
    /// Lists of several numbers, each behind its length.
    lists: Box<[u32]>,
}

impl Table {
    /// The lists keep their order.
    pub(super) fn new(lists: &BTreeMap<u64, Vec<u32>>) -> Self {
        let size = (lists.len() + lists.len() / 2 + 1).next_power_of_two();
        let mut table =
            Self { slots: vec![Slot { tag: 0, value: FREE }; size].into(), lists: Box::default() };
        let mut several = Vec::new();
        for (hash, list) in lists {
            let value = match list.as_slice() {
                [] => continue,
                [one] => *one,
                list => {
                    let place = count(several.len());
                    several.push(count(list.len()));
                    several.extend_from_slice(list);
                    LIST | place
                }
            };
            table.place(*hash, value);
        }
        table.lists = several.into();
        table
    }

    fn place(&mut self, hash: u64, value: u32) {
        let (mut at, tag) = self.first(hash);
        while self.slots.get(at).is_some_and(|taken| taken.value != FREE) {
            at = (at + 1) & (self.slots.len() - 1);
        }
        if let Some(free) = self.slots.get_mut(at) {
            *free = Slot { tag, value };
        }
    }

    /// The list of a hash; empty for one that is not there. Where two hashes have one tag, the lists of both.
    pub(super) fn get(&self, hash: u64) -> impl Iterator<Item = &[u32]> {
        let (mut at, tag) = self.first(hash);
        std::iter::from_fn(move || {
            loop {
                let slot = self.slots.get(at).filter(|slot| slot.value != FREE)?;
                at = (at + 1) & (self.slots.len() - 1);
                if slot.tag == tag {
                    return Some(self.list(&slot.value));
                }
            }
        })
    }

    fn list<'a>(&'a self, value: &'a u32) -> &'a [u32] {
        if value & LIST == 0 {
            return std::slice::from_ref(value);
        }
        let start = (value & !LIST) as usize;
        let length = self.lists.get(start).map_or(0, |length| *length as usize);
        self.lists.get(start + 1..start + 1 + length).unwrap_or_default()
    }

    /// Where to look first, and for what.
    #[expect(clippy::cast_possible_truncation, reason = "the hash is cut in two")]
    fn first(&self, hash: u64) -> (usize, u32) {
        (hash as usize & self.slots.len().wrapping_sub(1), (hash >> 32) as u32)
    }
}

/// Numbers of statements fit: a document has no room for two billion of them.
pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(LIST - 1).min(LIST - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_found_by_their_hash_only() {
        // Multiples of 64 collide in the first slot.
        let lists: BTreeMap<u64, Vec<u32>> =
            (0..20_u32).map(|n| (u64::from(n) << 38, (0..n).collect())).collect();
        let table = Table::new(&lists);
        for (hash, list) in &lists {
            let found: Vec<_> = table.get(*hash).flatten().copied().collect();
            assert_eq!(&found, list);
            assert_eq!(table.get(hash + (1 << 37)).count(), 0);
        }
        assert_eq!(Table::default().get(0).count(), 0);
        assert_eq!(Table::new(&BTreeMap::new()).get(0).count(), 0);
    }

    #[test]
    fn hashes_with_one_tag_share() {
        let lists = BTreeMap::from([(7_u64, vec![1, 2]), (8 + 7, vec![3])]);
        let table = Table::new(&lists);
        assert_eq!(table.get(7).flatten().copied().collect::<Vec<_>>(), [1, 2, 3]);
    }
}
