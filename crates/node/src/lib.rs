//! The agent: task state machine and its driver, between the control plane and the runtime.
