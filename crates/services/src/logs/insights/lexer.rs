//! A query's text as tokens.

/// A text that is no query, and where: in characters from its start, the end excluded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) message: String,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// A name or a keyword; names in backticks are no keywords.
    Name {
        text: String,
        quoted: bool,
    },
    Number(f64),
    Text(String),
    Regex(String),
    Symbol(&'static str),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// In bytes.
    pub(super) start: usize,
    pub(super) end: usize,
}

const SYMBOLS: &[&str] = &[
    "==", "!=", "<=", ">=", "=~", "!~", "=", "<", ">", "|", ",", "(", ")", "[", "]", "+", "-", "*", "/", "%",
    "^",
];

/// The tokens of a query.
pub(super) fn tokens(query: &str) -> Result<Vec<Token>, SyntaxError> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut at = 0;
    while let Some(first) = query.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = query.get(at..).unwrap_or_default();
        if first.is_whitespace() {
            at += first.len_utf8();
        } else if first == '#' {
            at += rest.find('\n').unwrap_or(rest.len());
        } else {
            let (kind, length) =
                token(rest, tokens.last()).ok_or_else(|| unexpected(query, at, at + first.len_utf8()))?;
            tokens.push(Token { kind, start: at, end: at + length });
            at += length;
        }
    }
    Ok(tokens)
}

fn token(rest: &str, before: Option<&Token>) -> Option<(Kind, usize)> {
    let first = rest.chars().next()?;
    match first {
        '"' | '\'' => quoted(rest, first, true).map(|(text, length)| (Kind::Text(text), length)),
        '`' => quoted(rest, first, false).map(|(text, length)| (Kind::Name { text, quoted: true }, length)),
        '/' if may_be_regex(before) => {
            quoted(rest, '/', false).map(|(text, length)| (Kind::Regex(text), length))
        }
        _ if first.is_ascii_digit() => number(rest),
        _ if is_name(first) => {
            let length =
                rest.find(|c: char| !is_name(c) && !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let text = rest.get(..length)?.to_owned();
            Some((Kind::Name { text, quoted: false }, length))
        }
        _ => SYMBOLS
            .iter()
            .find(|symbol| rest.starts_with(**symbol))
            .map(|symbol| (Kind::Symbol(symbol), symbol.len())),
    }
}

fn is_name(character: char) -> bool {
    character.is_alphabetic() || character == '_' || character == '@'
}

/// A slash divides behind a value, and opens an expression elsewhere.
fn may_be_regex(before: Option<&Token>) -> bool {
    const OPENERS: &[&str] = &["like", "parse", "and", "or", "not", "filter", "in", "fields", "display"];
    match before.map(|token| &token.kind) {
        None => true,
        Some(Kind::Symbol(symbol)) => !matches!(*symbol, ")" | "]"),
        // `parse @message /…/`: a field, then an expression. A divisor does not look like one.
        Some(Kind::Name { text, quoted: false }) => {
            text.starts_with('@') || OPENERS.iter().any(|opener| text.eq_ignore_ascii_case(opener))
        }
        Some(_) => false,
    }
}

fn number(rest: &str) -> Option<(Kind, usize)> {
    let length = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    Some((Kind::Number(rest.get(..length)?.parse().ok()?), length))
}

/// What stands between two delimiters, and the length with them. In texts a backslash takes a quote or a backslash as it
/// is; in expressions it only keeps a slash from closing.
fn quoted(rest: &str, delimiter: char, is_text: bool) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        if character == delimiter {
            return Some((text, at + delimiter.len_utf8()));
        }
        if character != '\\' {
            text.push(character);
            continue;
        }
        let (_, next) = characters.next()?;
        let taken = next == delimiter || (is_text && next == '\\');
        if !taken {
            text.push('\\');
        }
        text.push(next);
    }
    None
}

/// `unexpected symbol found X at line L and position P`, as AWS words it.
pub(super) fn unexpected(query: &str, start: usize, end: usize) -> SyntaxError {
    let found = query.get(start..end).filter(|text| !text.is_empty()).unwrap_or("<EOF>");
    let before = query.get(..start).unwrap_or(query);
    let line = before.matches('\n').count() + 1;
    let position = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let offset = before.chars().count();
    SyntaxError {
        message: format!("unexpected symbol found {found} at line {line} and position {position}"),
        start: offset,
        end: offset + query.get(start..end).map_or(0, |text| text.chars().count()),
    }
}
