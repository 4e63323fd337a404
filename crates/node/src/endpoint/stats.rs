//! What containers use, in the form of Docker's statistics: figures of control groups and of the network namespace.

use std::collections::BTreeMap;
use std::fs;

use landfall_base::Timestamp;
use landfall_runtime::Usage;
use serde_json::{Map, Value, json};

/// Nanoseconds of the clock that `/proc/stat` counts in (`USER_HZ`).
const TICK_NANOS: u64 = 10_000_000;

/// What Go writes for no time.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// Figures of a container at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(super) at: Timestamp,
    pub(super) usage: Usage,
    /// Processor time of the whole host.
    pub(super) host_nanos: u64,
    /// Counters of interfaces: received and sent, each bytes, packets, errors, drops.
    pub(super) interfaces: BTreeMap<String, [u64; 8]>,
}

impl Sample {
    /// The figures now of a container whose first process is `pid`.
    pub(super) fn take(at: Timestamp, usage: Usage, pid: i32) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        Self {
            at,
            usage,
            host_nanos: host_nanos(&read("/proc/stat")),
            interfaces: interfaces(&read(&format!("/proc/{pid}/net/dev"))),
        }
    }

    /// As JSON, beside the figures that were taken before.
    pub(super) fn document(&self, name: &str, id: &str, limit: u64, before: Option<&Self>) -> Value {
        let mut all = json!({
            "read": self.at.to_string(),
            "preread": before.map_or_else(|| NEVER.to_owned(), |it| it.at.to_string()),
            "pids_stats": {"current": self.usage.pids},
            "blkio_stats": {"io_service_bytes_recursive": self.block()},
            "num_procs": 0,
            "cpu_stats": self.cpu(),
            "precpu_stats": before.map_or_else(|| json!({"cpu_usage": {"total_usage": 0}}), Self::cpu),
            "memory_stats": self.memory(limit),
            "name": format!("/{name}"),
            "id": id,
            "networks": self.networks(),
        });
        if let (Some(rates), Value::Object(all)) = (before.and_then(|it| self.rates(it)), &mut all) {
            all.insert("network_rate_stats".to_owned(), rates);
        }
        all
    }

    fn cpu(&self) -> Value {
        let (periods, throttled, nanos) = self.usage.cpu_throttling;
        json!({
            "cpu_usage": {
                "total_usage": self.usage.cpu_nanos,
                "usage_in_kernelmode": self.usage.cpu_kernel_nanos,
                "usage_in_usermode": self.usage.cpu_user_nanos,
            },
            "system_cpu_usage": self.host_nanos,
            "online_cpus": std::thread::available_parallelism().map_or(1, usize::from),
            "throttling_data":
                {"periods": periods, "throttled_periods": throttled, "throttled_time": nanos},
        })
    }

    fn memory(&self, limit: u64) -> Value {
        let counters: Map<String, Value> =
            self.usage.memory_counters.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let mut all = json!({"usage": self.usage.memory_bytes, "stats": counters, "limit": limit});
        if let (1.., Value::Object(all)) = (self.usage.memory_peak_bytes, &mut all) {
            all.insert("max_usage".to_owned(), json!(self.usage.memory_peak_bytes));
        }
        all
    }

    fn block(&self) -> Vec<Value> {
        let entry = |(major, minor): (u32, u32), op: &str, value: u64| json!({"major": major, "minor": minor, "op": op, "value": value});
        let devices = self.usage.block_devices.iter();
        devices
            .flat_map(|(at, read, write)| [entry(*at, "Read", *read), entry(*at, "Write", *write)])
            .collect()
    }

    fn networks(&self) -> Map<String, Value> {
        let names = [
            "rx_bytes",
            "rx_packets",
            "rx_errors",
            "rx_dropped",
            "tx_bytes",
            "tx_packets",
            "tx_errors",
            "tx_dropped",
        ];
        let of = |counters: &[u64; 8]| {
            let all = names.into_iter().zip(counters);
            Value::Object(all.map(|(name, value)| (name.to_owned(), json!(value))).collect())
        };
        self.interfaces.iter().map(|(name, counters)| (name.clone(), of(counters))).collect()
    }

    fn rates(&self, before: &Self) -> Option<Value> {
        let millis = u32::try_from(self.at.millis() - before.at.millis()).ok().filter(|it| *it > 0)?;
        let sum = |of: &Self, at: usize| -> u64 {
            of.interfaces.values().filter_map(|counters| counters.get(at)).sum()
        };
        let rate = |at| {
            let bytes = sum(self, at).saturating_sub(sum(before, at));
            u32::try_from(bytes).map_or(f64::from(u32::MAX), f64::from) * 1000.0 / f64::from(millis)
        };
        Some(json!({"rx_bytes_per_sec": rate(0), "tx_bytes_per_sec": rate(4)}))
    }
}

/// The memory of the host: what a container without a limit may use.
pub(super) fn host_memory() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes = text.lines().find_map(|line| {
        line.strip_prefix("MemTotal:")?.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    });
    kilobytes.unwrap_or(0) * 1024
}

/// The first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq; as Docker sums them.
fn host_nanos(text: &str) -> u64 {
    let line = text.lines().next().unwrap_or_default();
    let ticks: u64 = line.split_whitespace().skip(1).take(7).filter_map(|it| it.parse::<u64>().ok()).sum();
    ticks.saturating_mul(TICK_NANOS)
}

/// `/proc/<pid>/net/dev`, without the loopback interface and the link to this endpoint.
fn interfaces(text: &str) -> BTreeMap<String, [u64; 8]> {
    let line = |line: &str| {
        let (name, numbers) = line.split_once(':')?;
        let numbers: Vec<u64> = numbers.split_whitespace().filter_map(|it| it.parse().ok()).collect();
        let at = |index: usize| numbers.get(index).copied();
        let counters = [at(0)?, at(1)?, at(2)?, at(3)?, at(8)?, at(9)?, at(10)?, at(11)?];
        let name = name.trim();
        (!matches!(name, "lo" | "ecs-eth0")).then(|| (name.to_owned(), counters))
    };
    text.lines().skip(2).filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICES: &str = "Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0
  eth0:    1000      10    1    2    0     0          0         0     2000      20    3    4    0     0       0          0
";

    fn sample(millis: i64, received: u64) -> Sample {
        let mut interfaces = interfaces(DEVICES);
        interfaces.entry("eth0".to_owned()).and_modify(|counters| counters[0] += received);
        let usage = Usage { cpu_nanos: 5, memory_bytes: 7, pids: 2, ..Usage::default() };
        let host_nanos = host_nanos("cpu  1 2 3 4 5 6 7 100 0 0\ncpu0 1");
        Sample { at: Timestamp::from_millis(millis), usage, host_nanos, interfaces }
    }

    #[test]
    fn figures_become_dockers_statistics() {
        let first = sample(1000, 0);
        let alone = first.document("web", "id", 99, None);
        assert_eq!(alone["preread"], NEVER);
        assert_eq!(
            alone["networks"],
            json!({"eth0": {"rx_bytes": 1000, "rx_packets": 10, "rx_errors": 1,
            "rx_dropped": 2, "tx_bytes": 2000, "tx_packets": 20, "tx_errors": 3, "tx_dropped": 4}})
        );
        assert_eq!(alone["cpu_stats"]["system_cpu_usage"], 280_000_000);
        assert_eq!(
            (&alone["memory_stats"]["usage"], &alone["memory_stats"]["limit"]),
            (&json!(7), &json!(99))
        );
        assert_eq!(alone.get("network_rate_stats"), None);
        let second = sample(3000, 500).document("web", "id", 99, Some(&first));
        assert_eq!(second["network_rate_stats"], json!({"rx_bytes_per_sec": 250.0, "tx_bytes_per_sec": 0.0}));
        assert_eq!(second["precpu_stats"]["cpu_usage"]["total_usage"], 5);
    }
}
