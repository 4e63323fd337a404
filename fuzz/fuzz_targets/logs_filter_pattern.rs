//! Filter patterns of FilterLogEvents: no pattern and no message make parser or matching panic. The modules are the
//! service's own files, which it shows nobody else.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/services/src/logs"]
mod logs {
    pub mod rules {
        pub mod filter_pattern;
    }

    pub fn check(pattern: &str, message: &str) {
        if let Ok(pattern) = rules::filter_pattern::FilterPattern::parse(pattern) {
            pattern.matches(message);
        }
    }
}

fuzz_target!(|input: (&str, &str)| logs::check(input.0, input.1));
