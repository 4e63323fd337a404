//! A pattern's text, from left to right.

use super::InvalidPattern;

#[derive(Debug, Clone)]
pub(super) struct Scanner<'a>(&'a str);

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self(text)
    }

    pub(super) fn skip_spaces(&mut self) {
        self.0 = self.0.trim_start();
    }

    pub(super) fn is_at_end(&mut self) -> bool {
        self.skip_spaces();
        self.0.is_empty()
    }

    /// The next character, spaces included.
    pub(super) fn peek(&self) -> Option<char> {
        self.0.chars().next()
    }

    /// Takes a text if it comes next, with nothing before it.
    pub(super) fn take(&mut self, text: &str) -> bool {
        self.0.strip_prefix(text).map(|rest| self.0 = rest).is_some()
    }

    /// Takes a text, behind spaces, if it comes next.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        self.skip_spaces();
        self.take(text)
    }

    pub(super) fn expect(&mut self, text: &str) -> Result<(), InvalidPattern> {
        if self.eat(text) { Ok(()) } else { Err(InvalidPattern) }
    }

    /// Takes a word, behind spaces and in any case, if it comes next.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        self.skip_spaces();
        let Some((next, rest)) = self.0.split_at_checked(word.len()) else { return false };
        let ends = !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        let comes = ends && next.eq_ignore_ascii_case(word);
        if comes {
            self.0 = rest;
        }
        comes
    }

    /// Whether a text comes next.
    pub(super) fn sees(&self, text: &str) -> bool {
        self.0.starts_with(text)
    }

    /// Everything up to a character that does not belong; may be empty.
    pub(super) fn run(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.0.find(|c| !belongs(c)).unwrap_or(self.0.len());
        let (run, rest) = self.0.split_at(end);
        self.0 = rest;
        run
    }

    /// A text in quotes, of which the opening one has been taken. A backslash takes the next character as it is.
    pub(super) fn quoted(&mut self, quote: char) -> Result<String, InvalidPattern> {
        let mut text = String::new();
        let mut characters = self.0.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => text.push(characters.next().ok_or(InvalidPattern)?.1),
                _ if character == quote => {
                    self.0 = self.0.split_at(at + quote.len_utf8()).1;
                    return Ok(text);
                }
                _ => text.push(character),
            }
        }
        Err(InvalidPattern)
    }

    /// Everything up to a text, which is taken too.
    pub(super) fn until(&mut self, end: &str) -> Result<&'a str, InvalidPattern> {
        let (text, rest) = self.0.split_once(end).ok_or(InvalidPattern)?;
        self.0 = rest;
        Ok(text)
    }
}
