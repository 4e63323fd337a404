//! The options of the `awslogs` driver that say which lines make an event, and what waits for delivery.

use landfall_acs::LogOptions;
use landfall_api::ecs as api;
use regex::{Regex, RegexBuilder};

/// Bytes that wait in non-blocking mode when the definition does not say.
const BUFFER: u64 = 10 * 1024 * 1024;

/// Bytes that a compiled expression may take.
const REGEX_SIZE: usize = 1024 * 1024;

/// What the parts of `awslogs-datetime-format` match (Developer Guide, "awslogs log driver": the codes that it names).
const CODES: &[(char, &str)] = &[
    ('A', "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)"),
    ('B', "(?:January|February|March|April|May|June|July|August|September|October|November|December)"),
    ('H', "(?:[01][0-9]|2[0-3])"),
    ('I', "(?:0[1-9]|1[0-2])"),
    ('L', r"\.\d{3}"),
    ('M', "[0-5][0-9]"),
    ('S', "[0-5][0-9]"),
    ('Y', r"\d{4}"),
    ('Z', "[A-Z]{1,4}T"),
    ('a', "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"),
    ('b', "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"),
    ('d', "(?:0[1-9]|[12][0-9]|3[01])"),
    ('f', r"\d{6}"),
    ('j', "(?:0[0-9][1-9]|[12][0-9][0-9]|3[0-5][0-9]|36[0-6])"),
    ('m', "(?:0[1-9]|1[0-2])"),
    ('p', "[AP]M"),
    ('w', "[0-6]"),
    ('y', r"\d{2}"),
    ('z', r"[+-]\d{4}"),
];

/// The options of a container.
pub fn options(configuration: &api::LogConfiguration) -> LogOptions {
    if configuration.log_driver != api::LogDriver::Awslogs {
        return LogOptions::default();
    }
    let option =
        |name| configuration.options.as_ref().and_then(|it| it.get(name)).filter(|it| !it.is_empty());
    // The date wins where both are given.
    let first_line = option("awslogs-datetime-format")
        .map(|it| date(it))
        .or_else(|| option("awslogs-multiline-pattern").cloned());
    // Only where it is asked for: what can wait on disk need not be lost.
    let drops = option("mode").is_some_and(|mode| mode == "non-blocking");
    let size = option("max-buffer-size").and_then(|size| bytes(size)).unwrap_or(BUFFER);
    LogOptions { first_line, max_buffer: drops.then_some(size) }
}

/// The expression for a date in `strftime`'s language. Like Docker's driver it takes what is no code as an expression.
fn date(format: &str) -> String {
    let mut expression = String::new();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        let code = if character == '%' { characters.next() } else { None };
        match code.map(|code| (code, CODES.iter().find(|(known, _)| *known == code))) {
            Some((_, Some((_, part)))) => expression.push_str(part),
            Some(('%', None)) => expression.push('%'),
            Some((other, None)) => expression.extend(['%', other]),
            None => expression.push(character),
        }
    }
    expression
}

/// A size such as `25m`: bytes, or with `k`, `m` or `g` (Docker's units, of 1024).
pub fn bytes(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let text = text.trim_end_matches("ib").trim_end_matches('b');
    let (number, unit) = match text.chars().last()? {
        'k' => (text.trim_end_matches('k'), 1024),
        'm' => (text.trim_end_matches('m'), 1024 * 1024),
        'g' => (text.trim_end_matches('g'), 1024 * 1024 * 1024),
        _ => (text, 1),
    };
    number.trim().parse::<u64>().ok()?.checked_mul(unit)
}

/// What the driver takes, of what ECS hands on to it.
const OPTIONS: [&str; 13] = [
    "awslogs-create-group",
    "awslogs-create-stream",
    "awslogs-datetime-format",
    "awslogs-endpoint",
    "awslogs-force-flush-interval-seconds",
    "awslogs-format",
    "awslogs-group",
    "awslogs-max-buffered-events",
    "awslogs-multiline-pattern",
    "awslogs-region",
    "awslogs-stream-prefix",
    "max-buffer-size",
    "mode",
];

/// Options that the driver does not take.
pub fn unknown(configuration: &api::LogConfiguration) -> impl Iterator<Item = &str> {
    let names = configuration.options.iter().flat_map(|it| it.0.iter()).map(|(name, _)| name.as_str());
    names.filter(|name| !OPTIONS.contains(name))
}

/// Checks all options, as the driver does when a container is to start.
///
/// # Errors
/// What the driver says.
pub fn check_driver(configuration: &api::LogConfiguration) -> Result<(), String> {
    let options = || configuration.options.iter().flat_map(|it| it.0.iter());
    if let Some(name) = unknown(configuration).next() {
        return Err(format!("unknown log opt '{name}' for awslogs log driver"));
    }
    let option = |wanted| options().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    if let Some(mode) = option("mode").filter(|mode| !matches!(*mode, "" | "blocking" | "non-blocking")) {
        return Err(format!("logger: logging mode not supported: {mode}"));
    }
    if let Some(size) = option("max-buffer-size").filter(|size| !size.is_empty() && bytes(size).is_none()) {
        return Err(format!("error parsing option max-buffer-size: invalid size: '{size}'"));
    }
    check(configuration).map(drop)
}

/// The expression of a container's events, if it has one.
///
/// # Errors
/// What the log driver says to one that is none.
pub fn check(configuration: &api::LogConfiguration) -> Result<Option<Regex>, String> {
    let Some(text) = options(configuration).first_line else { return Ok(None) };
    let compiled = RegexBuilder::new(&text).size_limit(REGEX_SIZE).build();
    compiled.map(Some).map_err(|_| format!("awslogs could not parse multiline pattern key {text:?}"))
}

#[cfg(test)]
mod tests {
    use landfall_shape::Entries;

    use super::*;

    fn configuration(options: &[(&str, &str)]) -> api::LogConfiguration {
        let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        api::LogConfiguration {
            log_driver: api::LogDriver::Awslogs,
            options: Some(Entries(options)),
            ..Default::default()
        }
    }

    #[test]
    fn dates_begin_events() {
        let table = [
            ("%Y-%m-%d %H:%M:%S", "2026-11-26 16:23:49 up", true),
            ("%Y-%m-%d %H:%M:%S", "  at line 7", false),
            ("\\[%b %d, %Y %I:%M:%S %p\\]", "[Nov 26, 2026 04:23:49 PM] up", true),
            ("%H:%M:%S%L", "16:23:49.123 up", true),
            ("%H:%M:%S%L", "16:23:49 up", false),
            ("%a, %d %B %y %z", "Thu, 26 November 26 +0100", true),
            ("100%%", "100% sure", true),
        ];
        for (format, line, begins) in table {
            let regex = check(&configuration(&[("awslogs-datetime-format", format)])).unwrap().unwrap();
            assert_eq!(regex.is_match(line), begins, "{format}: {line}");
        }
    }

    #[test]
    fn options_are_read() {
        let both = configuration(&[("awslogs-datetime-format", "%Y"), ("awslogs-multiline-pattern", "^x")]);
        assert_eq!(options(&both).first_line.as_deref(), Some(r"\d{4}"));
        let dropping = configuration(&[("mode", "non-blocking"), ("max-buffer-size", "25m")]);
        assert_eq!(options(&dropping).max_buffer, Some(25 * 1024 * 1024));
        assert_eq!(options(&configuration(&[("mode", "non-blocking")])).max_buffer, Some(BUFFER));
        assert_eq!(
            options(&configuration(&[("mode", "blocking"), ("max-buffer-size", "1m")])).max_buffer,
            None
        );
        assert_eq!(options(&configuration(&[])), LogOptions::default());
        let wrong = check(&configuration(&[("awslogs-multiline-pattern", "(")]));
        assert_eq!(wrong.unwrap_err(), "awslogs could not parse multiline pattern key \"(\"");
    }

    #[test]
    fn sizes_have_units() {
        let table = [
            ("7", Some(7)),
            ("2k", Some(2048)),
            ("1MB", Some(1_048_576)),
            ("1gib", Some(1 << 30)),
            ("x", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(bytes(text), expected, "{text}");
        }
    }
}
