//! Places for uploads are few, and whoever may push may open one and leave it: which upload gives way to a new one.

use landfall_base::Timestamp;

/// How long nobody may go on with an upload before it gives way to another, in seconds.
const IDLE: i64 = 60;

/// An upload that is open.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Its id.
    pub id: &'a str,
    /// To whose share it counts.
    pub owner: &'a str,
    /// When it was last written to; `None` while that goes on.
    pub used_at: Option<Timestamp>,
}

/// Whether another upload may be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Room {
    /// There is a place.
    Free,
    /// In the place of this one.
    Instead(String),
    /// All places are in use.
    Full,
}

/// Room for an upload of `owner` among at most `limit`. The one that was left alone longest gives way, if that was long
/// enough. A quarter of the places is kept for owners that hold less than a quarter; who holds more takes nobody else's.
pub fn room<'a>(
    open: impl Iterator<Item = Place<'a>> + Clone,
    limit: usize,
    owner: &str,
    now: Timestamp,
) -> Room {
    let share = limit / 4;
    let has_share = share > 0 && open.clone().filter(|place| place.owner == owner).count() >= share;
    let places = if has_share { limit - share } else { limit };
    if open.clone().count() < places {
        return Room::Free;
    }
    let theirs = open.filter(|place| !has_share || place.owner == owner);
    let idle = theirs.filter_map(|place| Some((place.used_at?, place.id)));
    let idle = idle.filter(|(used_at, _)| used_at.plus_seconds(IDLE) <= now);
    idle.min().map_or(Room::Full, |(_, id)| Room::Instead(id.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn place<'a>(id: &'a str, owner: &'a str, idle: Option<i64>) -> Place<'a> {
        Place { id, owner, used_at: idle.map(|seconds| NOW.plus_seconds(-seconds)) }
    }

    fn asked(open: &[Place<'_>], limit: usize, owner: &str) -> Room {
        room(open.iter().copied(), limit, owner, NOW)
    }

    #[test]
    fn what_was_left_alone_longest_gives_way() {
        let (young, old, older, busy) = (
            place("young", "a", Some(59)),
            place("old", "a", Some(60)),
            place("older", "b", Some(61)),
            place("busy", "b", None),
        );
        assert_eq!(asked(&[young], 2, "a"), Room::Free);
        assert_eq!(asked(&[young, busy], 2, "a"), Room::Full);
        assert_eq!(asked(&[young, old], 2, "a"), Room::Instead("old".to_owned()));
        assert_eq!(asked(&[old, older], 2, "a"), Room::Instead("older".to_owned()));
    }

    #[test]
    fn who_has_more_than_a_share_leaves_the_rest_to_others() {
        let greedy: Vec<_> = (0..6).map(|_| place("g", "greedy", Some(1))).collect();
        assert_eq!(asked(&greedy[..5], 8, "greedy"), Room::Free);
        assert_eq!(asked(&greedy, 8, "greedy"), Room::Full);
        assert_eq!(asked(&greedy, 8, "other"), Room::Free);
        let mut full = greedy;
        full.extend([place("left", "other", Some(3600)), place("own", "greedy", Some(60))]);
        assert_eq!(asked(&full, 8, "greedy"), Room::Instead("own".to_owned()));
        assert_eq!(asked(&full, 8, "other"), Room::Instead("left".to_owned()));
    }
}
