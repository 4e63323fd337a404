//! What values are compared with.

use regex::{Regex, RegexBuilder};

use super::InvalidPattern;
use super::scanner::Scanner;

/// Bytes that a compiled regular expression may take.
const REGEX_SIZE: usize = 256 * 1024;

/// The right side of a comparison.
#[derive(Debug)]
pub(super) enum Operand {
    /// A number, and how it was written.
    Number(f64, String),
    /// A text in which `*` stands for any characters.
    Text(String),
    /// `%…%`
    Regex(Regex),
}

impl Operand {
    pub(super) fn parse(scanner: &mut Scanner<'_>) -> Result<Self, InvalidPattern> {
        scanner.skip_spaces();
        for quote in ['"', '\''] {
            if scanner.take(quote.encode_utf8(&mut [0; 4])) {
                return scanner.quoted(quote).map(Self::Text);
            }
        }
        if scanner.take("%") {
            return regex(scanner).map(Self::Regex);
        }
        let word = bare(scanner);
        match number(&word) {
            _ if word.is_empty() => Err(InvalidPattern),
            Some(number) => Ok(Self::Number(number, word)),
            None => Ok(Self::Text(word)),
        }
    }

    pub(super) fn equals(&self, text: &str) -> bool {
        match self {
            Self::Number(wanted, written) => text == written || number(text) == Some(*wanted),
            Self::Text(wanted) => wildcard(wanted, text),
            Self::Regex(regex) => regex.is_match(text),
        }
    }

    /// The number it is, if it is one.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number, _) => Some(*number),
            _ => None,
        }
    }
}

/// A value without quotes: up to a space, a bracket, a comma, `&&` or `||`.
fn bare(scanner: &mut Scanner<'_>) -> String {
    let mut word = String::new();
    while let Some(character) = scanner.peek() {
        let ends = character.is_whitespace() || ",()[]{}\"".contains(character);
        if ends || scanner.sees("&&") || scanner.sees("||") {
            break;
        }
        scanner.take(character.encode_utf8(&mut [0; 4]));
        word.push(character);
    }
    word
}

/// A finite decimal number; not the names of numbers that Rust also reads.
pub(super) fn number(text: &str) -> Option<f64> {
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    text.parse().ok().filter(|number: &f64| is_decimal && number.is_finite())
}

/// A regular expression, of which the opening `%` has been taken. AWS allows no groups.
pub(super) fn regex(scanner: &mut Scanner<'_>) -> Result<Regex, InvalidPattern> {
    let text = scanner.until("%")?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || ":_#=@/;,-^$?[]{}|\\*+. ".contains(c);
    if text.is_empty() || !text.chars().all(allowed) {
        return Err(InvalidPattern);
    }
    RegexBuilder::new(text).size_limit(REGEX_SIZE).build().map_err(|_| InvalidPattern)
}

/// Whether a text has a form in which `*` stands for any characters.
fn wildcard(form: &str, text: &str) -> bool {
    let Some((start, rest)) = form.split_once('*') else { return form == text };
    let Some(text) = text.strip_prefix(start) else { return false };
    let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(mut text) = text.strip_suffix(end) else { return false };
    for part in middle.split('*').filter(|part| !part.is_empty()) {
        let Some((_, behind)) = text.split_once(part) else { return false };
        text = behind;
    }
    true
}
