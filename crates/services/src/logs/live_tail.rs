//! Live Tail sessions: what is put into their groups while they last, seconds at a time (CloudWatch Logs API Reference,
//! "StartLiveTail"). `PutLogEvents` offers them every event that it kept; nothing is read back.
//!
//! Sessions are in memory and end with the connection that they are sent over, after three hours, or with the server.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use landfall_api::logs as api;
use landfall_base::{AccountId, Region, Timestamp, random};

use super::names::GroupName;
use super::rules::filter_pattern::FilterPattern;

/// Sessions of an account in a Region (CloudWatch Logs quotas).
pub(super) const ACTIVE: usize = 15;

/// Events of an update.
const MOST: usize = 500;

/// Seconds after which a session ends.
const LASTS: i64 = 3 * 3600;

/// Seconds that a session waits for the connection that it was made for.
const WAITS: i64 = 60;

/// Every session of an installation.
#[derive(Debug, Clone, Default)]
pub struct LiveTails(Arc<RwLock<Vec<Arc<Tail>>>>);

/// What a session was asked for.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) id: String,
    pub(super) account: AccountId,
    pub(super) region: Region,
    pub(super) groups: Vec<GroupName>,
    pub(super) streams: Streams,
    pub(super) pattern: FilterPattern,
    pub(super) started_at: Timestamp,
}

/// Which streams of its groups.
#[derive(Debug)]
pub(super) enum Streams {
    All,
    Named(Vec<String>),
    Beginning(Vec<String>),
}

/// A session.
#[derive(Debug)]
pub(super) struct Tail {
    facts: Facts,
    window: Mutex<Window>,
}

/// What came since the last update.
#[derive(Debug, Default)]
struct Window {
    opened: bool,
    /// By the order of arrival.
    events: Vec<(u64, api::LiveTailSessionLogEvent)>,
    matched: u64,
}

/// An event that was put.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    pub(super) time: i64,
    pub(super) message: String,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LiveTails {
    /// Begins a session; `false` if there are too many already.
    pub(super) fn begin(&self, facts: Facts) -> bool {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let forgotten = |tail: &Tail| {
            !lock(&tail.window).opened && facts.started_at > tail.facts.started_at.plus_seconds(WAITS)
        };
        all.retain(|tail| !forgotten(tail));
        let own = |tail: &Arc<Tail>| tail.facts.account == facts.account && tail.facts.region == facts.region;
        let few = all.iter().filter(|tail| own(tail)).count() < ACTIVE;
        if few {
            all.push(Arc::new(Tail { facts, window: Mutex::default() }));
        }
        few
    }

    /// The sessions that listen to a stream.
    pub(super) fn of_stream(&self, group: &GroupName, stream: &str) -> Vec<Arc<Tail>> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter(|tail| tail.facts.hears(group, stream)).cloned().collect()
    }

    /// Opens the session with an id, once: it lasts as long as what is answered.
    pub fn open(&self, id: &str) -> Option<Session> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let tail = all.iter().find(|tail| tail.facts.id == id)?;
        let first = !std::mem::replace(&mut lock(&tail.window).opened, true);
        first.then(|| Session { tail: Arc::clone(tail), all: self.clone() })
    }
}

impl Facts {
    fn hears(&self, group: &GroupName, stream: &str) -> bool {
        let named = match &self.streams {
            Streams::All => true,
            Streams::Named(names) => names.iter().any(|name| name == stream),
            Streams::Beginning(prefixes) => prefixes.iter().any(|prefix| stream.starts_with(prefix.as_str())),
        };
        named && self.groups.contains(group)
    }
}

impl Tail {
    /// Takes in what was put into a stream.
    pub(super) fn hear(&self, group: &GroupName, stream: &str, ingested: Timestamp, events: &[Heard]) {
        let mut window = lock(&self.window);
        for event in events.iter().filter(|event| self.facts.pattern.matches(&event.message)) {
            window.add(|| api::LiveTailSessionLogEvent {
                log_stream_name: Some(stream.to_owned()),
                log_group_identifier: Some(format!("{}:{}", group.account, group.name)),
                message: Some(event.message.clone()),
                timestamp: Some(event.time),
                ingestion_time: Some(ingested.millis()),
            });
        }
    }
}

impl Window {
    /// Adds an event. Of too many each stays as likely as the others.
    fn add(&mut self, event: impl FnOnce() -> api::LiveTailSessionLogEvent) {
        self.matched += 1;
        if self.events.len() < MOST {
            self.events.push((self.matched, event()));
            return;
        }
        let place = u64::from_le_bytes(random::bytes()) % self.matched;
        if let Some(kept) = usize::try_from(place).ok().and_then(|place| self.events.get_mut(place)) {
            *kept = (self.matched, event());
        }
    }

    fn take(&mut self) -> api::LiveTailSessionUpdate {
        let mut events = std::mem::take(&mut self.events);
        let sampled = std::mem::take(&mut self.matched) > events.len() as u64;
        events.sort_unstable_by_key(|(order, _)| *order);
        api::LiveTailSessionUpdate {
            session_metadata: Some(api::LiveTailSessionMetadata { sampled: Some(sampled) }),
            session_results: Some(events.into_iter().map(|(_, event)| event).collect()),
        }
    }
}

/// A session that somebody listens to. It ends when this is dropped.
#[derive(Debug)]
pub struct Session {
    tail: Arc<Tail>,
    all: LiveTails,
}

impl Session {
    /// What came since this was last asked; `None` once its time is over.
    pub fn update(&self, now: Timestamp) -> Option<api::LiveTailSessionUpdate> {
        let over = now > self.tail.facts.started_at.plus_seconds(LASTS);
        (!over).then(|| lock(&self.tail.window).take())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let mut all = self.all.0.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|tail| !Arc::ptr_eq(tail, &self.tail));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_000_000);

    fn group(name: &str) -> GroupName {
        GroupName {
            account: "111122223333".parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
            name: name.to_owned(),
        }
    }

    fn facts(id: &str, streams: Streams, pattern: &str) -> Facts {
        Facts {
            id: id.to_owned(),
            account: group("g").account,
            region: group("g").region,
            groups: vec![group("g")],
            streams,
            pattern: FilterPattern::parse(pattern).unwrap(),
            started_at: START,
        }
    }

    fn put(tails: &LiveTails, place: (&str, &str), messages: &[&str]) {
        let heard = |message: &&str| Heard { time: 7, message: (*message).to_owned() };
        let events: Vec<_> = messages.iter().map(heard).collect();
        for tail in tails.of_stream(&group(place.0), place.1) {
            tail.hear(&group(place.0), place.1, START, &events);
        }
    }

    fn messages(session: &Session) -> (Vec<String>, bool) {
        let update = session.update(START).unwrap();
        let results = update.session_results.unwrap();
        let sampled = update.session_metadata.unwrap().sampled.unwrap();
        (results.into_iter().map(|event| event.message.unwrap()).collect(), sampled)
    }

    #[test]
    fn a_session_hears_what_it_asked_for() {
        let cases = [
            (Streams::All, "", vec!["one", "two", "three", "four"]),
            (Streams::Named(vec!["a/1".to_owned()]), "", vec!["one", "two"]),
            (Streams::Beginning(vec!["a/".to_owned()]), "", vec!["one", "two", "three"]),
            (Streams::All, "?two ?four", vec!["two", "four"]),
        ];
        for (streams, pattern, expected) in cases {
            let tails = LiveTails::default();
            assert!(tails.begin(facts("id", streams, pattern)));
            let session = tails.open("id").unwrap();
            put(&tails, ("g", "a/1"), &["one", "two"]);
            put(&tails, ("g", "a/2"), &["three"]);
            put(&tails, ("g", "b"), &["four"]);
            put(&tails, ("other", "a/1"), &["five"]);
            assert_eq!(messages(&session), (expected.into_iter().map(str::to_owned).collect(), false));
            assert_eq!(messages(&session), (Vec::new(), false));
        }
    }

    #[test]
    fn too_many_events_are_sampled_in_their_order() {
        let tails = LiveTails::default();
        tails.begin(facts("id", Streams::All, ""));
        let session = tails.open("id").unwrap();
        let numbers: Vec<String> = (0..2000).map(|number| format!("{number:04}")).collect();
        put(&tails, ("g", "s"), &numbers.iter().map(String::as_str).collect::<Vec<_>>());
        let (kept, sampled) = messages(&session);
        assert!(sampled && kept.len() == MOST && kept.is_sorted());
        put(&tails, ("g", "s"), &numbers.iter().take(MOST).map(String::as_str).collect::<Vec<_>>());
        assert_eq!(messages(&session), (numbers.into_iter().take(MOST).collect(), false));
    }

    #[test]
    fn sessions_end_and_are_counted() {
        let tails = LiveTails::default();
        for number in 0..ACTIVE {
            assert!(tails.begin(facts(&number.to_string(), Streams::All, "")));
        }
        assert!(!tails.begin(facts("more", Streams::All, "")));
        let session = tails.open("0").unwrap();
        assert!(tails.open("0").is_none() && tails.open("more").is_none());
        assert!(session.update(START.plus_seconds(LASTS)).is_some());
        assert!(session.update(START.plus_seconds(LASTS + 1)).is_none());
        drop(session);
        assert!(tails.begin(facts("more", Streams::All, "")));
        assert!(!tails.begin(facts("again", Streams::All, "")));
        // Those that nobody opened are forgotten.
        let later = Facts { started_at: START.plus_seconds(WAITS + 1), ..facts("again", Streams::All, "") };
        assert!(tails.begin(later));
    }
}
