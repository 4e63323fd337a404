//! The options of the `awslogs` driver that say which lines make an event, and what waits for delivery.

use std::fmt;

use landfall_acs::LogOptions;
use landfall_api::ecs as api;
use regex::{Regex, RegexBuilder};

const DATETIME: &str = "awslogs-datetime-format";
const MULTILINE: &str = "awslogs-multiline-pattern";
const MODE: &str = "mode";
const BUFFER_SIZE: &str = "max-buffer-size";
const CREATE_GROUP: &str = "awslogs-create-group";

const NON_BLOCKING: &str = "non-blocking";

/// What Go's `strconv.ParseBool` reads.
const TRUE_OR_FALSE: [&str; 12] =
    ["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"];

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

/// The options of a container. Whether one without a `mode` drops lines, its account decides (`defaultLogDriverMode`).
pub fn options(configuration: &api::LogConfiguration, drops_by_default: bool) -> LogOptions {
    if configuration.log_driver != api::LogDriver::Awslogs {
        return LogOptions::default();
    }
    let first_line = first_line(configuration).map(|(_, expression)| expression);
    let size = option(configuration, BUFFER_SIZE).and_then(bytes).unwrap_or(BUFFER);
    LogOptions { first_line, max_buffer: drops(configuration, drops_by_default).then_some(size) }
}

/// Whether lines are dropped that do not find room.
fn drops(configuration: &api::LogConfiguration, by_default: bool) -> bool {
    option(configuration, MODE).map_or(by_default, |mode| mode == NON_BLOCKING)
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

/// An option that the driver does not take. `Display` has the driver's words, which quote the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongOption {
    /// Its name.
    pub name: String,
    /// Its value, or what is shown of it.
    pub value: String,
    /// It is another option that does not go with it.
    pub beside: Option<&'static str>,
}

impl fmt::Display for WrongOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, value, beside } = self;
        match name.as_str() {
            DATETIME if beside.is_some() => {
                write!(f, "you cannot configure log opt '{DATETIME}' and '{MULTILINE}' at the same time")
            }
            BUFFER_SIZE if beside.is_some() => {
                write!(f, "logger: max-buffer-size option is only supported with 'mode={NON_BLOCKING}'")
            }
            CREATE_GROUP => write!(
                f,
                "must specify valid value for log opt '{name}': strconv.ParseBool: parsing {value:?}: invalid syntax"
            ),
            MODE => write!(f, "logger: logging mode not supported: {value}"),
            BUFFER_SIZE => write!(f, "error parsing option max-buffer-size: invalid size: '{value}'"),
            DATETIME | MULTILINE => write!(f, "awslogs could not parse multiline pattern key {value:?}"),
            name => write!(f, "unknown log opt '{name}' for awslogs log driver"),
        }
    }
}

/// Checks all options, as the driver does when a container is to start. Without a `mode` it is told the account's.
///
/// # Errors
/// The first that it does not take.
pub fn check_driver(
    configuration: &api::LogConfiguration,
    drops_by_default: bool,
) -> Result<(), WrongOption> {
    let wrong_beside = |name: &str, value: &str, beside| {
        Err(WrongOption { name: name.to_owned(), value: value.to_owned(), beside })
    };
    let wrong = |name: &str, value: &str| wrong_beside(name, value, None);
    if let Some(name) = unknown(configuration).next() {
        return wrong(name, "");
    }
    if let Some(mode) = option(configuration, MODE).filter(|mode| !matches!(*mode, "blocking" | NON_BLOCKING))
    {
        return wrong(MODE, mode);
    }
    if let Some(size) = option(configuration, BUFFER_SIZE) {
        if !drops(configuration, drops_by_default) {
            return wrong_beside(BUFFER_SIZE, size, Some(MODE));
        }
        if bytes(size).is_none() {
            return wrong(BUFFER_SIZE, size);
        }
    }
    if let Some(create) = option(configuration, CREATE_GROUP).filter(|it| !TRUE_OR_FALSE.contains(it)) {
        return wrong(CREATE_GROUP, create);
    }
    if let (Some(format), Some(_)) = (option(configuration, DATETIME), option(configuration, MULTILINE)) {
        return wrong_beside(DATETIME, format, Some(MULTILINE));
    }
    check(configuration).map(drop)
}

/// An option that is given and not empty.
fn option<'a>(configuration: &'a api::LogConfiguration, name: &str) -> Option<&'a str> {
    let value = configuration.options.as_ref()?.get(name)?;
    Some(value.as_str()).filter(|value| !value.is_empty())
}

/// The expression of a container's events, if it has one.
///
/// # Errors
/// One that is none.
pub fn check(configuration: &api::LogConfiguration) -> Result<Option<Regex>, WrongOption> {
    let Some((name, text)) = first_line(configuration) else { return Ok(None) };
    let compiled = RegexBuilder::new(&text).size_limit(REGEX_SIZE).build();
    compiled.map(Some).map_err(|_| WrongOption { name: name.to_owned(), value: text, beside: None })
}

/// The expression that begins an event, and the option that gives it. The date wins where both are given.
fn first_line(configuration: &api::LogConfiguration) -> Option<(&'static str, String)> {
    let given = |name| Some((name, option(configuration, name)?));
    let expression = given(DATETIME).map(|(name, format)| (name, date(format)));
    expression.or_else(|| given(MULTILINE).map(|(name, pattern)| (name, pattern.to_owned())))
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
        assert_eq!(options(&both, false).first_line.as_deref(), Some(r"\d{4}"));
        let dropping = configuration(&[("mode", "non-blocking"), ("max-buffer-size", "25m")]);
        for default in [false, true] {
            let size = |given: &[(&str, &str)]| options(&configuration(given), default).max_buffer;
            assert_eq!(options(&dropping, default).max_buffer, Some(25 * 1024 * 1024));
            assert_eq!(size(&[("mode", "non-blocking")]), Some(BUFFER));
            assert_eq!(size(&[("mode", "blocking"), ("max-buffer-size", "1m")]), None);
            assert_eq!(size(&[("max-buffer-size", "1m")]), default.then_some(1024 * 1024));
            assert_eq!(size(&[]), default.then_some(BUFFER));
        }
        assert_eq!(options(&configuration(&[]), false), LogOptions::default());
        let wrong = check(&configuration(&[("awslogs-multiline-pattern", "(")]));
        assert_eq!(wrong.unwrap_err().to_string(), "awslogs could not parse multiline pattern key \"(\"");
    }

    /// As the Docker daemon words it.
    #[test]
    fn options_that_do_not_go_together() {
        let size = ("max-buffer-size", "1m");
        let both = [("awslogs-datetime-format", "%Y"), ("awslogs-multiline-pattern", "^x")];
        for (given, expected) in [
            (
                &[("mode", "blocking"), size][..],
                "logger: max-buffer-size option is only supported with 'mode=non-blocking'",
            ),
            (
                &both,
                "you cannot configure log opt 'awslogs-datetime-format' and 'awslogs-multiline-pattern' at the same time",
            ),
            (
                &[("awslogs-create-group", "yes")],
                "must specify valid value for log opt 'awslogs-create-group': strconv.ParseBool: parsing \"yes\": invalid syntax",
            ),
        ] {
            assert_eq!(check_driver(&configuration(given), true).unwrap_err().to_string(), expected);
        }
        for given in
            [&[("mode", "non-blocking"), size][..], &[size], &both[..1], &[("awslogs-create-group", "T")]]
        {
            assert_eq!(check_driver(&configuration(given), true), Ok(()), "{given:?}");
        }
    }

    /// Without a `mode` the account's counts.
    #[test]
    fn a_size_of_the_buffer_wants_the_accounts_mode() {
        let sized = configuration(&[("max-buffer-size", "1m")]);
        let refused = check_driver(&sized, false).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "logger: max-buffer-size option is only supported with 'mode=non-blocking'"
        );
        assert_eq!(check_driver(&sized, true), Ok(()));
        assert_eq!(
            check_driver(&configuration(&[("mode", "non-blocking"), ("max-buffer-size", "1m")]), false),
            Ok(())
        );
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
