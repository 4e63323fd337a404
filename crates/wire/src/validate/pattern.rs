//! The models' regular expressions.
//!
//! They are written for Java's engine and mean the whole text. What Rust's `regex` cannot do (look-around,
//! back-references) is not checked here; the operations concerned check it themselves.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use landfall_shape::{Kind, Schema, ServiceSchema};
use regex::Regex;

type Cache = RwLock<HashMap<&'static str, Option<Arc<Regex>>>>;
static COMPILED: LazyLock<Cache> = LazyLock::new(Cache::default);

/// `{1,100000}` and the like, whose compiled form would take megabytes.
static LONG_REPETITION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\{([0-9]+),[0-9]{4,}\}").ok());

/// Whether the whole text matches. Also true where the pattern cannot be compiled.
pub(super) fn matches(pattern: &'static str, text: &str) -> bool {
    compiled(pattern).is_none_or(|regex| regex.is_match(text))
}

fn compiled(pattern: &'static str) -> Option<Arc<Regex>> {
    if let Some(known) = COMPILED.read().unwrap_or_else(PoisonError::into_inner).get(pattern) {
        return known.clone();
    }
    let regex = compile(pattern).map(Arc::new);
    COMPILED.write().unwrap_or_else(PoisonError::into_inner).insert(pattern, regex.clone());
    regex
}

fn compile(pattern: &str) -> Option<Regex> {
    let anchored = format!(r"\A(?:{})\z", unbounded(&translate(pattern)));
    Regex::new(&anchored).ok()
}

/// Rewrites what the two dialects read differently: Java's `\d`, `\w`, `\s` are ASCII, and characters beyond the
/// Basic Multilingual Plane may be written as surrogate pairs.
fn translate(pattern: &str) -> String {
    let pattern = pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\x{10000}-\x{10FFFF}");
    let mut out = String::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        match characters.next() {
            Some(escaped) => push_escape(&mut out, escaped),
            None => out.push('\\'),
        }
    }
    out
}

/// Takes the upper end off repetitions of a thousand and more. It repeats the shape's longest length, which is checked
/// anyway.
fn unbounded(pattern: &str) -> Cow<'_, str> {
    match &*LONG_REPETITION {
        Some(long) => long.replace_all(pattern, "{$1,}"),
        None => Cow::Borrowed(pattern),
    }
}

fn push_escape(out: &mut String, escaped: char) {
    match escaped {
        'd' => out.push_str("[0-9]"),
        'D' => out.push_str("[^0-9]"),
        'w' => out.push_str("[a-zA-Z_0-9]"),
        'W' => out.push_str("[^a-zA-Z_0-9]"),
        's' => out.push_str(r"[ \t\n\x0B\f\r]"),
        'S' => out.push_str(r"[^ \t\n\x0B\f\r]"),
        escaped => out.extend(['\\', escaped]),
    }
}

/// The patterns of a service's inputs that cannot be compiled, and so are not checked. Sorted.
pub fn unsupported_patterns(service: &ServiceSchema) -> Vec<&'static str> {
    let mut seen = HashSet::new();
    let mut waiting: Vec<&'static Schema> =
        service.operations.iter().map(|operation| operation.input).collect();
    let mut found = Vec::new();
    while let Some(schema) = waiting.pop() {
        if !seen.insert(std::ptr::from_ref(schema)) {
            continue;
        }
        if let Kind::String { pattern: Some(pattern), .. } = schema.kind
            && compile(pattern).is_none()
        {
            found.push(pattern);
        }
        waiting.extend(below(schema));
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn below(schema: &'static Schema) -> Vec<&'static Schema> {
    match schema.kind {
        Kind::Structure { members } => members.iter().map(|member| member.schema).collect(),
        Kind::List { member, .. } => vec![member],
        Kind::Map { key, value, .. } => vec![key, value],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_the_whole_text_and_ascii_classes() {
        for (pattern, text, expected) in [
            ("[a-z]+", "abc", true),
            ("[a-z]+", "abc1", false),
            ("a|b", "ab", false),
            (r"^\d+$", "12", true),
            (r"\d+", "\u{0661}", false),
            (r"[\w+=,.@-]+", "a_b@c-1", true),
            (r"\w+", "é", false),
            (r"[\s\S]*", "any\nthing é", true),
            (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", "é 1", true),
            (r"[\u0009\u000A\u0020-\u00FF]+", "ä", true),
            (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF]*", "a😀", true),
            (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF]*", "\u{1}", false),
            (r"(?i)all|[0-9]{12}", "ALL", true),
            (r"^.{1,100000}$", "a", true),
            (r"^.{1,100000}$", "", false),
            (r"[a-z]{2,3}", "aaaa", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn look_around_is_not_checked() {
        assert!(compile(r"^(?!\s*$).+").is_none());
        assert!(matches(r"^(?!\s*$).+", " "));
    }
}
