//! What nodes use: read from their control groups by whoever runs them, kept for two weeks.

use std::collections::HashMap;

use landfall_base::Timestamp;
use landfall_store::{Tx, View, WriteError};

use super::record::{NODES, SAMPLES, SERVICES, Sample, ServiceKey};
use super::rules::power::Power;
use crate::pipe::{Failure, Installation};

/// How long samples are kept, in seconds.
const KEEP_SECONDS: i64 = 14 * 24 * 3600;
const HOUR_MILLIS: i64 = 3_600_000;

/// A node's control groups, read at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The node's id, which is its task's.
    pub node: String,
    /// Processor time of all its containers since their start, in nanoseconds.
    pub cpu_nanos: u64,
    /// Memory of all its containers, in bytes.
    pub memory_bytes: u64,
}

/// Turns readings into samples: processor time is told by the difference of two.
#[derive(Debug, Default)]
pub struct Meter {
    last: HashMap<String, (u64, Timestamp)>,
}

impl Meter {
    /// Nodes that should be read.
    ///
    /// # Errors
    /// A row cannot be read.
    pub fn nodes(view: &View) -> Result<Vec<String>, Failure> {
        Ok(view.list(&NODES, ())?.into_iter().map(|((.., id), _)| id).collect())
    }

    /// Keeps what nodes have used since they were read the last time.
    ///
    /// # Errors
    /// The disk did not take it.
    pub fn note(&mut self, installation: &Installation, readings: Vec<Reading>) -> Result<(), Failure> {
        let now = installation.clock.now();
        let before = std::mem::take(&mut self.last);
        self.last = readings.iter().map(|it| (it.node.clone(), (it.cpu_nanos, now))).collect();
        let used: Vec<(&Reading, u64, i64)> = readings
            .iter()
            .filter_map(|reading| {
                let (cpu, at) = before.get(&reading.node)?;
                let millis = now.millis() - at.millis();
                Some((reading, reading.cpu_nanos.checked_sub(*cpu)?, millis)).filter(|_| millis > 0)
            })
            .collect();
        if used.is_empty() {
            return Ok(());
        }
        let written = installation.store.write("use of container services", |tx| keep(tx, &used, now));
        written.map_err(WriteError::flatten)
    }
}

fn keep(tx: &mut Tx, used: &[(&Reading, u64, i64)], now: Timestamp) -> Result<(), Failure> {
    for ((account, region, name, id), _) in tx.list(&NODES, ())? {
        let Some((reading, cpu, millis)) = used.iter().find(|(reading, ..)| reading.node == id) else {
            continue;
        };
        let key = (account, region, name);
        let Some(service) = tx.get(&SERVICES, &key)? else { continue };
        let sample = Sample {
            at: now,
            cpu: cpu_percent(service.power, *cpu, *millis),
            memory: memory_percent(service.power, reading.memory_bytes),
        };
        append(tx, &key, &id, sample)?;
    }
    Ok(())
}

/// Adds a sample to the row of its hour. With the first one of an hour those that are too old go.
fn append(tx: &mut Tx, key: &ServiceKey, node: &str, sample: Sample) -> Result<(), Failure> {
    let hour = Timestamp::from_millis(sample.at.millis() - sample.at.millis().rem_euclid(HOUR_MILLIS));
    let place = (&key.0, &key.1, key.2.as_str(), hour, node);
    let mut samples = tx.get(&SAMPLES, &place)?.map(|row| Vec::clone(&row)).unwrap_or_default();
    if samples.is_empty() {
        forget(tx, key, sample.at.plus_seconds(-KEEP_SECONDS))?;
    }
    samples.push(sample);
    tx.put(&SAMPLES, &place, samples);
    Ok(())
}

/// Removes samples of a service that are older.
pub(super) fn forget(tx: &mut Tx, key: &ServiceKey, before: Timestamp) -> Result<(), Failure> {
    let (account, region, name) = key;
    for ((.., hour, node), _) in tx.list(&SAMPLES, (account, region, name.as_str()))? {
        if hour < before {
            tx.delete(&SAMPLES, &(account, region, name.as_str(), hour, node.as_str()));
        }
    }
    Ok(())
}

/// The samples of a service from `from` until before `to`.
pub(super) fn between(
    view: &View,
    key: &ServiceKey,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Sample>, Failure> {
    let mut found = Vec::new();
    for row in view.scan(&SAMPLES, (&key.0, &key.1, key.2.as_str())) {
        let ((.., hour, _), samples) = row?;
        if hour < to && from.millis() < hour.millis() + HOUR_MILLIS {
            found.extend(samples.iter().filter(|it| it.at >= from && it.at < to));
        }
    }
    Ok(found)
}

fn cpu_percent(power: Power, nanos: u64, millis: i64) -> f64 {
    let there = millis as f64 * 1e6 * f64::from(power.cpu_units()) / 1024.0;
    nanos as f64 / there * 100.0
}

fn memory_percent(power: Power, bytes: u64) -> f64 {
    bytes as f64 / (f64::from(power.memory_mib()) * 1_048_576.0) * 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn use_is_told_in_percent_of_the_power() {
        // A quarter of a processor, busy for one of two seconds: half of what a nano has.
        let half = cpu_percent(Power::Nano, 250_000_000, 2000);
        assert!((half - 50.0).abs() < 1e-9, "{half}");
        let all = memory_percent(Power::Medium, 2048 << 20);
        assert!((all - 100.0).abs() < 1e-9, "{all}");
    }
}
