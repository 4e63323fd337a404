//! Vocabulary: account ids, Regions, ARNs, timestamps, clocks, random identifiers and values that never print
//! themselves. No I/O beyond the operating system's clock and random numbers, and no knowledge of any service.

mod account_id;
mod arn;
mod clock;
pub mod random;
mod region;
mod sensitive;
mod timestamp;

pub use account_id::{AccountId, InvalidAccountId};
pub use arn::{Arn, InvalidArn};
pub use clock::{Clock, ManualClock, SystemClock};
pub use region::{InvalidRegion, Region};
pub use sensitive::Sensitive;
pub use timestamp::Timestamp;
