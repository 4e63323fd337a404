//! The runtime's names for what belongs to a task.

use landfall_runtime::{ContainerId, SandboxId};

/// The sandbox of a task; `None` if the id is not one that ECS gives.
pub(crate) fn sandbox(task_id: &str) -> Option<SandboxId> {
    task_id.parse().ok()
}

/// The container of a task: short enough for a name of the runtime, and unlike that of any other container of the task.
pub(crate) fn container(task_id: &str, name: &str) -> Option<ContainerId> {
    let readable: String =
        name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_').take(64).collect();
    let distinct = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{task_id}-{readable}-{:08x}", distinct >> 32).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_similar_names_stay_apart() {
        let task = "0123456789abcdef0123456789abcdef";
        let long = "x".repeat(255);
        let names = ["app", "App", "a_pp", long.as_str()].map(|name| container(task, name).unwrap());
        for (index, name) in names.iter().enumerate() {
            assert!(!names[..index].contains(name), "{name:?}");
        }
    }
}
