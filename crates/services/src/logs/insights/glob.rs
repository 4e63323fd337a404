//! Patterns of `parse` with `*` for the parts that are wanted.

use regex::{Regex, RegexBuilder};

/// Bytes that a compiled expression may take.
const SIZE: usize = 1024 * 1024;

/// The expression for a pattern. The last part goes to the end of the text if the pattern does.
pub(super) fn regex_of(pattern: &str) -> Option<Regex> {
    let mut text = String::from("(?s)");
    let mut parts = pattern.split('*').peekable();
    while let Some(part) = parts.next() {
        text.push_str(&regex::escape(part));
        match parts.peek() {
            Some(&"") => text.push_str("(.*)"),
            Some(_) => text.push_str("(.*?)"),
            None => {}
        }
    }
    compile(&text)
}

/// An expression of bounded size.
pub(super) fn compile(text: &str) -> Option<Regex> {
    RegexBuilder::new(text).size_limit(SIZE).build().ok()
}
