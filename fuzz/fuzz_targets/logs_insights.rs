//! Queries of CloudWatch Logs Insights: no query and no event make parser or execution panic, and a refusal points into
//! the query. The modules are the service's own files, which it shows nobody else.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/services/src/logs"]
mod logs {
    #[allow(dead_code, unused_imports, reason = "the service uses what this does not")]
    pub mod insights;

    use insights::{Event, Execution, Query};

    pub fn check(query: &str, messages: [&str; 3], time: i64) {
        let query = match Query::parse(query) {
            Ok(query) => query,
            Err(error) => {
                let length = query.chars().count();
                assert!(error.start <= error.end && error.end <= length, "{error:?} in {query:?}");
                return;
            }
        };
        let mut execution = Execution::new(&query, 100, time);
        for (number, message) in messages.into_iter().enumerate() {
            let times = (time.wrapping_add(number as i64), time);
            let place = ("111122223333:group".into(), "stream".into());
            let event = Event::new(times, message.to_owned(), place, number.to_string());
            if execution.add(event).is_err() {
                return;
            }
        }
        let _ = execution.finish();
    }
}

fuzz_target!(|input: (&str, [&str; 3], i64)| logs::check(input.0, input.1, input.2));
