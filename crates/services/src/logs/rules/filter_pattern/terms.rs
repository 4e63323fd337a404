//! Terms: `ERROR timeout` (all of them), `?ERROR ?WARN` (one of them), `-DEBUG` (not this one), `"a phrase"`, `%a regex%`.

use regex::Regex;

use super::InvalidPattern;
use super::operand::regex;
use super::scanner::Scanner;

#[derive(Debug, Default)]
pub(super) struct Terms {
    all: Vec<Term>,
    any: Vec<Term>,
    none: Vec<Term>,
}

#[derive(Debug)]
enum Term {
    Text(String),
    Regex(Regex),
}

impl Terms {
    pub(super) fn parse(scanner: &mut Scanner<'_>) -> Result<Self, InvalidPattern> {
        let mut terms = Self::default();
        while !scanner.is_at_end() {
            let list = if scanner.take("?") {
                &mut terms.any
            } else if scanner.take("-") {
                &mut terms.none
            } else {
                &mut terms.all
            };
            list.push(Term::parse(scanner)?);
        }
        Ok(terms)
    }

    /// Optional terms count only when there are no others, as on AWS.
    pub(super) fn matches(&self, message: &str) -> bool {
        let is_in = |term: &Term| term.is_in(message);
        if self.all.is_empty() && self.none.is_empty() {
            return self.any.is_empty() || self.any.iter().any(is_in);
        }
        self.all.iter().all(is_in) && !self.none.iter().any(is_in)
    }
}

impl Term {
    fn parse(scanner: &mut Scanner<'_>) -> Result<Self, InvalidPattern> {
        if scanner.take("\"") {
            return scanner.quoted('"').map(Self::Text);
        }
        if scanner.take("%") {
            return regex(scanner).map(Self::Regex);
        }
        let word = scanner.run(|c| !c.is_whitespace() && c != '"');
        let ends = scanner.peek().is_none_or(char::is_whitespace);
        if word.is_empty() || !ends { Err(InvalidPattern) } else { Ok(Self::Text(word.to_owned())) }
    }

    fn is_in(&self, message: &str) -> bool {
        match self {
            Self::Text(text) => message.contains(text),
            Self::Regex(regex) => regex.is_match(message),
        }
    }
}
