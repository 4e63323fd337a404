//! Running a query over events, in bounded memory.
//!
//! Commands up to the first one that needs many rows at once are applied to each event as it comes. That one keeps what it
//! needs: groups of `stats`, the foremost rows of `sort`, the newest events of a query without either. The rest is applied
//! to its rows at the end.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use super::aggregate::{Aggregate, State};
use super::ast::{Command, Expr, Named, Parse, Query};
use super::compare::{compare, order};
use super::event::Event;
use super::value::Value;

/// Bytes that a query may keep.
const MEMORY: usize = 256 * 1024 * 1024;

/// Rows that a command in the middle may keep.
const ROWS: usize = 1_000_000;

/// A query's rows would not fit in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMuch;

/// A row of a result: names and texts.
pub(crate) type Row = Vec<(String, String)>;

/// Which events a query still wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wants {
    /// All that are left.
    All,
    /// Those later than a time, in milliseconds: there are enough others.
    LaterThan(i64),
}

#[derive(Debug)]
pub(crate) struct Execution {
    prefix: Vec<Command>,
    suffix: Vec<Command>,
    keep: Keep,
    limit: usize,
    now: i64,
    pub(crate) matched: u64,
}

/// What is kept of the events.
#[derive(Debug)]
enum Keep {
    Rows(Foremost),
    Groups(Groups),
}

/// Fields beside the event's own, and what is shown.
#[derive(Debug, Clone, Default)]
struct Line {
    /// `None` behind `stats`.
    event: Option<Event>,
    made: Vec<(String, Value)>,
    /// The columns; `None` before any were named.
    columns: Option<Vec<String>>,
}

impl Execution {
    /// `limit` is for queries without one of their own; `now` is in milliseconds.
    pub(crate) fn new(query: &Query, limit: usize, now: i64) -> Self {
        let streamed = |command: &Command| {
            matches!(
                command,
                Command::Fields(_) | Command::Display(_) | Command::Filter(_) | Command::Parse(_)
            )
        };
        let split =
            query.commands.iter().position(|command| !streamed(command)).unwrap_or(query.commands.len());
        let (prefix, rest) = query.commands.split_at(split);
        let (keep, suffix) = keep(rest, limit);
        Self { prefix: prefix.to_vec(), suffix: suffix.to_vec(), keep, limit, now, matched: 0 }
    }

    /// Which events are still wanted.
    pub(crate) fn wants(&self) -> Wants {
        match &self.keep {
            Keep::Rows(rows) => rows.wants(),
            Keep::Groups(_) => Wants::All,
        }
    }

    /// Takes an event.
    ///
    /// # Errors
    /// The query keeps too much.
    pub(crate) fn add(&mut self, event: Event) -> Result<(), TooMuch> {
        let time = event.time;
        let mut line = Line { event: Some(event), ..Line::default() };
        if !self.prefix.iter().all(|command| line.apply(command, self.now)) {
            return Ok(());
        }
        self.matched += 1;
        match &mut self.keep {
            Keep::Rows(rows) => rows.add(line, time, self.now),
            Keep::Groups(groups) => groups.add(&line, time, self.now),
        }
    }

    /// What the query has found.
    ///
    /// # Errors
    /// The query keeps too much.
    pub(crate) fn finish(self) -> Result<Vec<Row>, TooMuch> {
        let mut lines = match self.keep {
            Keep::Rows(rows) => rows.finish(),
            Keep::Groups(groups) => groups.finish(self.now),
        };
        for command in &self.suffix {
            lines = apply_all(lines, command, self.now)?;
        }
        lines.truncate(self.limit);
        Ok(lines.iter().map(Line::shown).collect())
    }
}

/// What to keep for the commands behind the streamed ones, and which of those are left for the end.
fn keep(rest: &[Command], limit: usize) -> (Keep, &[Command]) {
    match rest {
        [] => (Keep::Rows(Foremost::new(Vec::new(), limit)), rest),
        [Command::Limit(most), behind @ ..] => (Keep::Rows(Foremost::new(Vec::new(), *most)), behind),
        [Command::Sort(keys), Command::Limit(most), behind @ ..] => {
            (Keep::Rows(Foremost::new(keys.clone(), *most)), behind)
        }
        [Command::Sort(keys), behind @ ..] => {
            let most = if behind.iter().all(is_one_to_one) { limit } else { ROWS };
            (Keep::Rows(Foremost::new(keys.clone(), most)), behind)
        }
        [Command::Stats { aggregates, calls, by }, behind @ ..] => {
            (Keep::Groups(Groups::new(aggregates.clone(), calls.clone(), by.clone())), behind)
        }
        _ => (Keep::Rows(Foremost::new(Vec::new(), ROWS)), rest),
    }
}

fn is_one_to_one(command: &Command) -> bool {
    matches!(command, Command::Fields(_) | Command::Display(_) | Command::Parse(_))
}

fn apply_all(mut lines: Vec<Line>, command: &Command, now: i64) -> Result<Vec<Line>, TooMuch> {
    match command {
        Command::Limit(most) => lines.truncate(*most),
        Command::Sort(keys) => {
            let mut keyed: Vec<_> = lines.into_iter().map(|line| (line.keys(keys, now), line)).collect();
            keyed.sort_by(|(left, _), (right, _)| by_keys(keys, left, right));
            return Ok(keyed.into_iter().map(|(_, line)| line).collect());
        }
        Command::Dedup(fields) => {
            let mut seen = HashSet::new();
            lines.retain(|line| {
                let values: Vec<Value> = fields.iter().map(|field| line.value(field, now, &[])).collect();
                // Events without the fields are kept, as on AWS.
                values.contains(&Value::Missing) || seen.insert(texts(&values))
            });
        }
        Command::Stats { aggregates, calls, by } => {
            let mut groups = Groups::new(aggregates.clone(), calls.clone(), by.clone());
            for line in lines {
                let time = line.event.as_ref().map_or(0, |event| event.time);
                groups.add(&line, time, now)?;
            }
            return Ok(groups.finish(now));
        }
        command => lines.retain_mut(|line| line.apply(command, now)),
    }
    Ok(lines)
}

fn by_keys(keys: &[(Expr, bool)], left: &[Value], right: &[Value]) -> Ordering {
    let pairs = keys.iter().zip(left.iter().zip(right));
    let orders = pairs.map(|((_, descending), (left, right))| {
        let order = order(left, right);
        if *descending { order.reverse() } else { order }
    });
    orders.fold(Ordering::Equal, Ordering::then)
}

fn texts(values: &[Value]) -> Vec<Option<String>> {
    values.iter().map(|value| value.written().map(std::borrow::Cow::into_owned)).collect()
}

/// The rows that come first in an order; without keys the newest do.
#[derive(Debug)]
struct Foremost {
    keys: Vec<(Expr, bool)>,
    most: usize,
    rows: Vec<(Vec<Value>, i64, Line)>,
    bytes: usize,
    /// The time of the last row that is kept, once there are enough and time is the order.
    enough: Option<i64>,
}

impl Foremost {
    fn new(keys: Vec<(Expr, bool)>, most: usize) -> Self {
        Self { keys, most, rows: Vec::new(), bytes: 0, enough: None }
    }

    fn is_newest_first(&self) -> bool {
        match self.keys.as_slice() {
            [] => true,
            [(Expr::Field(name), true)] => name == "@timestamp",
            _ => false,
        }
    }

    fn wants(&self) -> Wants {
        self.enough.map_or(Wants::All, Wants::LaterThan)
    }

    fn add(&mut self, line: Line, time: i64, now: i64) -> Result<(), TooMuch> {
        if self.enough.is_some_and(|enough| time <= enough) {
            return Ok(());
        }
        let keys = line.keys(&self.keys, now);
        self.bytes += line.bytes();
        self.rows.push((keys, time, line));
        if self.rows.len() >= self.most.saturating_mul(2).max(self.most.saturating_add(1000)) {
            self.trim();
        }
        if self.bytes > MEMORY {
            self.trim();
        }
        if self.bytes > MEMORY || self.rows.len() > 2 * ROWS { Err(TooMuch) } else { Ok(()) }
    }

    fn trim(&mut self) {
        self.sort();
        self.rows.truncate(self.most);
        self.bytes = self.rows.iter().map(|(_, _, line)| line.bytes()).sum();
        if self.is_newest_first() && self.rows.len() == self.most {
            self.enough = self.rows.last().map(|(_, time, _)| *time);
        }
    }

    fn sort(&mut self) {
        let keys = &self.keys;
        self.rows.sort_by(|(left, left_time, _), (right, right_time, _)| {
            by_keys(keys, left, right).then(right_time.cmp(left_time))
        });
    }

    fn finish(mut self) -> Vec<Line> {
        self.trim();
        self.rows.into_iter().map(|(_, _, line)| line).collect()
    }
}

/// What a group is of, and its aggregates so far.
type Group = (Vec<Value>, Vec<State>);

/// The groups of `stats`.
#[derive(Debug)]
struct Groups {
    aggregates: Vec<Named>,
    calls: Vec<(Aggregate, Vec<Expr>)>,
    by: Vec<Named>,
    groups: HashMap<Vec<Option<String>>, Group>,
    bytes: usize,
}

impl Groups {
    fn new(aggregates: Vec<Named>, calls: Vec<(Aggregate, Vec<Expr>)>, by: Vec<Named>) -> Self {
        Self { aggregates, calls, by, groups: HashMap::new(), bytes: 0 }
    }

    fn add(&mut self, line: &Line, time: i64, now: i64) -> Result<(), TooMuch> {
        let by: Vec<Value> = self.by.iter().map(|named| line.value(&named.expr, now, &[])).collect();
        let key = texts(&by);
        let (_, states) = match self.groups.entry(key) {
            std::collections::hash_map::Entry::Occupied(group) => group.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => {
                let length: usize = place.key().iter().flatten().map(String::len).sum();
                self.bytes += 2 * length + 200 * (1 + self.calls.len());
                place.insert((by, self.calls.iter().map(state).collect()))
            }
        };
        for ((_, arguments), state) in self.calls.iter().zip(states) {
            let value = arguments.first().map(|argument| line.value(argument, now, &[]));
            self.bytes += state.add(value, time);
        }
        if self.bytes > MEMORY { Err(TooMuch) } else { Ok(()) }
    }

    /// One line a group. Without groups there is one, also over no events.
    fn finish(self, now: i64) -> Vec<Line> {
        let Self { aggregates, calls, by, mut groups, .. } = self;
        if groups.is_empty() && by.is_empty() {
            groups.insert(Vec::new(), (Vec::new(), calls.iter().map(state).collect()));
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        // Rows of equal rank later on come in an order that is always the same.
        groups.sort_by(|(left, _), (right, _)| left.cmp(right));
        let line = |(_, (values, states)): (_, Group)| {
            let aggregated: Vec<Value> = states.into_iter().map(State::value).collect();
            let empty = Line::default();
            let mut made: Vec<_> = by.iter().map(|named| named.name.clone()).zip(values).collect();
            for named in &aggregates {
                made.push((named.name.clone(), empty.value(&named.expr, now, &aggregated)));
            }
            let columns = made.iter().map(|(name, _)| name.clone()).collect();
            Line { event: None, made, columns: Some(columns) }
        };
        groups.into_iter().map(line).collect()
    }
}

fn state((kind, arguments): &(Aggregate, Vec<Expr>)) -> State {
    let rank = match arguments.get(1) {
        Some(Expr::Literal(value)) => value.number(),
        _ => None,
    };
    State::new(*kind, rank)
}

impl Line {
    /// Applies a command that is about single rows; `false`: the row is out.
    fn apply(&mut self, command: &Command, now: i64) -> bool {
        match command {
            Command::Filter(condition) => return self.value(condition, now, &[]).is_true(),
            Command::Fields(fields) => self.show(fields, now, false),
            Command::Display(fields) => self.show(fields, now, true),
            Command::Parse(parse) => self.parse(parse, now),
            Command::Stats { .. } | Command::Sort(_) | Command::Limit(_) | Command::Dedup(_) => {}
        }
        true
    }

    fn show(&mut self, fields: &[Named], now: i64, only: bool) {
        let mut columns = if only { Vec::new() } else { self.columns.take().unwrap_or_default() };
        for named in fields {
            // A column of `stats` keeps its name, `count(*)`, though it reads like a call.
            let is_known = self.made.iter().any(|(name, _)| *name == named.name);
            if !is_known && !matches!(&named.expr, Expr::Field(name) if *name == named.name) {
                let value = self.value(&named.expr, now, &[]);
                self.made.push((named.name.clone(), value));
            }
            if !columns.contains(&named.name) {
                columns.push(named.name.clone());
            }
        }
        self.columns = Some(columns);
    }

    fn parse(&mut self, parse: &Parse, now: i64) {
        let source = self.value(&parse.source, now, &[]);
        let text = source.written().unwrap_or_default();
        let found = parse.regex.captures(&text);
        for (at, name) in &parse.names {
            let part = found.as_ref().and_then(|found| found.get(*at));
            let value = part.map_or(Value::Missing, |part| Value::text(part.as_str()));
            self.made.push((name.clone(), value));
            if let Some(columns) = self.columns.as_mut().filter(|columns| !columns.contains(name)) {
                columns.push(name.clone());
            }
        }
    }

    fn keys(&self, keys: &[(Expr, bool)], now: i64) -> Vec<Value> {
        keys.iter().map(|(key, _)| self.value(key, now, &[])).collect()
    }

    fn field(&self, name: &str) -> Value {
        let made = self.made.iter().rev().find(|(made, _)| made == name).map(|(_, value)| value.clone());
        made.or_else(|| self.event.as_ref().map(|event| event.field(name))).unwrap_or_default()
    }

    fn value(&self, expr: &Expr, now: i64, aggregated: &[Value]) -> Value {
        let value = |expr: &Expr| self.value(expr, now, aggregated);
        match expr {
            Expr::Literal(literal) => literal.clone(),
            Expr::Field(name) => self.field(name),
            Expr::Aggregated(at) => aggregated.get(*at).cloned().unwrap_or_default(),
            Expr::Not(inner) => Value::Truth(!value(inner).is_true()),
            Expr::And(left, right) => Value::Truth(value(left).is_true() && value(right).is_true()),
            Expr::Or(left, right) => Value::Truth(value(left).is_true() || value(right).is_true()),
            Expr::Compare(comparison, left, right) => {
                Value::Truth(compare(*comparison, &value(left), &value(right)))
            }
            Expr::Arithmetic(operator, left, right) => arithmetic(*operator, &value(left), &value(right)),
            Expr::Contains(left, right) => {
                let (left, right) = (value(left), value(right));
                Value::Truth(
                    left.written().zip(right.written()).is_some_and(|(left, right)| left.contains(&*right)),
                )
            }
            Expr::Matches(left, regex) => {
                Value::Truth(value(left).written().is_some_and(|text| regex.is_match(&text)))
            }
            Expr::In(left, items) => {
                let left = value(left);
                Value::Truth(
                    items.iter().any(|item| compare(super::ast::Comparison::Equal, &left, &value(item))),
                )
            }
            Expr::Call(function, arguments) => {
                function.call(&arguments.iter().map(value).collect::<Vec<_>>(), now)
            }
        }
    }

    /// The row as it is answered. What is missing is left out.
    fn shown(&self) -> Row {
        let default = || vec!["@timestamp".to_owned(), "@message".to_owned()];
        let columns = self.columns.clone().unwrap_or_else(default);
        let pointer = self.event.as_ref().map(|event| ("@ptr".to_owned(), event.pointer.clone()));
        let written = |name: String| {
            let text = self.field(&name).written()?.into_owned();
            Some((name, text))
        };
        columns.into_iter().filter(|name| name != "@ptr").filter_map(written).chain(pointer).collect()
    }

    fn bytes(&self) -> usize {
        let made =
            self.made.iter().map(|(name, value)| name.len() + value.written().map_or(0, |it| it.len()) + 80);
        let event = self.event.as_ref().map_or(0, |event| 2 * event.message.len() + 300);
        made.sum::<usize>() + event
    }
}

fn arithmetic(operator: char, left: &Value, right: &Value) -> Value {
    let (Some(left), Some(right)) = (left.number(), right.number()) else { return Value::Missing };
    Value::from(Some(match operator {
        '+' => left + right,
        '-' => left - right,
        '*' => left * right,
        '/' => left / right,
        '%' => left % right,
        _ => left.powf(right),
    }))
}
