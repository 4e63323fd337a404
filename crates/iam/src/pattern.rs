//! Text with wildcards and variables, compiled to tokens.
//!
//! A variable's value is compared as it is: it never becomes part of a pattern, so a tag whose value is `*` widens
//! nothing.

use crate::choices::Choice;
use crate::request::{Request, Values};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    Literal(Box<str>),
    /// `*`: any run of characters.
    Star,
    /// `?`: exactly one character.
    One,
    Variable(Variable),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variable {
    key: Box<str>,
    default: Option<Box<str>>,
}

/// Which parts of the text are more than themselves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Syntax {
    pub(crate) wildcards: bool,
    pub(crate) variables: bool,
}

/// A compiled pattern; the frequent shapes have a form of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pattern {
    Everything,
    Exact(Box<str>),
    Prefix(Box<str>),
    Tokens(Box<[Token]>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Sensitive,
    Insensitive,
}

/// A variable in the pattern has no value in this request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NullVariable;

impl Pattern {
    pub(crate) fn compile(text: &str, syntax: Syntax) -> Self {
        let tokens = tokenize(text, syntax);
        match tokens.as_slice() {
            [] => Self::Exact("".into()),
            [Token::Star] => Self::Everything,
            [Token::Literal(text)] => Self::Exact(text.clone()),
            [Token::Literal(text), Token::Star] => Self::Prefix(text.clone()),
            _ => Self::Tokens(tokens.into()),
        }
    }

    /// Whether `text` matches as a whole.
    pub(crate) fn matches(
        &self,
        text: &str,
        case: Case,
        request: &Request<'_>,
    ) -> Result<bool, NullVariable> {
        match self {
            Self::Everything => Ok(true),
            Self::Exact(wanted) => Ok(wanted.len() == text.len() && eats(wanted, text, case)),
            Self::Prefix(wanted) => Ok(eats(wanted, text, case)),
            Self::Tokens(tokens) => {
                check_variables(tokens, request)?;
                Ok(glob(tokens, text, case, request))
            }
        }
    }

    /// Whether `text` is the pattern's own text, variables filled in, in any case; for operators without wildcards.
    pub(crate) fn equals_ignoring_case(
        &self,
        text: &str,
        request: &Request<'_>,
    ) -> Result<bool, NullVariable> {
        let wanted: &[Token] = match self {
            Self::Everything => return Ok(text == "*"),
            Self::Exact(wanted) => return Ok(same_letters(wanted.chars(), text)),
            Self::Prefix(wanted) => return Ok(same_letters(wanted.chars().chain(['*']), text)),
            Self::Tokens(tokens) => tokens,
        };
        check_variables(wanted, request)?;
        Ok(same_letters(wanted.iter().flat_map(|token| token.written(request).chars()), text))
    }

    /// The text that everything that matches begins with, and whether it is all of it.
    pub(crate) fn literal(&self) -> (&str, bool) {
        match self {
            Self::Everything => ("", false),
            Self::Exact(text) => (text, true),
            Self::Prefix(text) => (text, false),
            Self::Tokens(tokens) => match tokens.first() {
                Some(Token::Literal(text)) => (text, false),
                _ => ("", false),
            },
        }
    }

    /// Whether the pattern is literal text with a `*` behind it, or a `*` alone.
    pub(crate) fn is_prefix(&self) -> bool {
        matches!(self, Self::Everything | Self::Prefix(_))
    }

    /// Whether the pattern is one variable and nothing else.
    pub(crate) fn is_lone_variable(&self) -> bool {
        matches!(self, Self::Tokens(tokens) if matches!(tokens.as_ref(), [Token::Variable(_)]))
    }
}

impl Token {
    /// The token as text, with the value of a variable.
    fn written<'r>(&'r self, request: &Request<'r>) -> &'r str {
        match self {
            Self::Literal(text) => text,
            Self::Star => "*",
            Self::One => "?",
            Self::Variable(variable) => variable.value(request).unwrap_or_default(),
        }
    }

    /// How many bytes at the start of `text` this token takes. Not asked of `Star`.
    fn take(&self, text: &str, case: Case, request: &Request<'_>) -> Option<usize> {
        match self {
            Self::Literal(wanted) => eats(wanted, text, case).then_some(wanted.len()),
            Self::Variable(variable) => {
                let wanted = variable.value(request)?;
                eats(wanted, text, case).then_some(wanted.len())
            }
            Self::One => text.chars().next().map(char::len_utf8),
            Self::Star => Some(0),
        }
    }
}

impl Variable {
    fn value<'r>(&'r self, request: &Request<'r>) -> Option<&'r str> {
        let found = request.values(&self.key).and_then(Values::single);
        let found = found.filter(|value| !(value.is_empty() && Choice::EmptyVariableValueIsNull.holds()));
        found.or(self.default.as_deref())
    }
}

fn check_variables(tokens: &[Token], request: &Request<'_>) -> Result<(), NullVariable> {
    let resolved = |token: &Token| match token {
        Token::Variable(variable) => variable.value(request).is_some(),
        _ => true,
    };
    if tokens.iter().all(resolved) { Ok(()) } else { Err(NullVariable) }
}

fn same_letters(wanted: impl Iterator<Item = char>, text: &str) -> bool {
    wanted.flat_map(char::to_lowercase).eq(text.chars().flat_map(char::to_lowercase))
}

fn eats(wanted: &str, text: &str, case: Case) -> bool {
    let Some(head) = text.as_bytes().get(..wanted.len()) else { return false };
    match case {
        Case::Sensitive => head == wanted.as_bytes(),
        Case::Insensitive => head.eq_ignore_ascii_case(wanted.as_bytes()),
    }
}

/// Greedy matching that returns to the latest star only: all other tokens take a fixed length, so an earlier star
/// cannot do better.
fn glob(tokens: &[Token], text: &str, case: Case, request: &Request<'_>) -> bool {
    let (mut at, mut rest) = (0, text);
    let mut retry: Option<(usize, &str)> = None;
    loop {
        match tokens.get(at) {
            Some(Token::Star) if at + 1 == tokens.len() => return true,
            Some(Token::Star) => {
                at += 1;
                retry = Some((at, rest));
                continue;
            }
            Some(token) => {
                if let Some(tail) = token.take(rest, case, request).and_then(|taken| rest.get(taken..)) {
                    at += 1;
                    rest = tail;
                    continue;
                }
            }
            None if rest.is_empty() => return true,
            None => {}
        }
        let Some((after, from)) = retry else { return false };
        let mut characters = from.chars();
        if characters.next().is_none() {
            return false;
        }
        (at, rest) = (after, characters.as_str());
        retry = Some((after, rest));
    }
}

fn tokenize(text: &str, syntax: Syntax) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let special = match character {
            '*' if syntax.wildcards => Some((Token::Star, 1)),
            '?' if syntax.wildcards => Some((Token::One, 1)),
            '$' if syntax.variables => variable_at(rest),
            _ => None,
        };
        let Some((token, length)) = special else {
            literal.push(character);
            rest = rest.get(character.len_utf8()..).unwrap_or_default();
            continue;
        };
        rest = rest.get(length..).unwrap_or_default();
        match token {
            Token::Literal(escaped) => literal.push_str(&escaped),
            Token::Star if literal.is_empty() && tokens.last() == Some(&Token::Star) => {}
            token => {
                if !literal.is_empty() {
                    tokens.push(Token::Literal(std::mem::take(&mut literal).into()));
                }
                tokens.push(token);
            }
        }
    }
    if !literal.is_empty() {
        tokens.push(Token::Literal(literal.into()));
    }
    tokens
}

/// Length in bytes of the `${…}` that `text` begins with.
pub(crate) fn variable_length(text: &str) -> Option<usize> {
    if text.starts_with("${") { text.find('}').map(|end| end + 1) } else { None }
}

/// The `${…}` that `text` begins with, as a token, and its length.
fn variable_at(text: &str) -> Option<(Token, usize)> {
    let length = variable_length(text)?;
    let inner = text.get(2..length - 1)?.trim();
    if matches!(inner, "*" | "?" | "$") {
        return Some((Token::Literal(inner.into()), length));
    }
    let (key, default) = match inner.split_once(',') {
        Some((key, default)) => (key.trim(), Some(unquote(default.trim()).into())),
        None => (inner, None),
    };
    Some((Token::Variable(Variable { key: key.into(), default }), length))
}

fn unquote(text: &str) -> &str {
    text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Context, Principal};

    fn matches(pattern: &str, text: &str, context: &Context) -> Result<bool, NullVariable> {
        let principal = Principal::anonymous();
        let request =
            Request { principal: &principal, action: "a:b", resource: "*", resource_account: None, context };
        Pattern::compile(pattern, Syntax { wildcards: true, variables: true }).matches(
            text,
            Case::Sensitive,
            &request,
        )
    }

    #[test]
    fn wildcards() {
        let table = [
            ("", "", true),
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("a?c", "aéc", true),
            ("a?c", "ac", false),
            ("*a*b*", "xxaxxbxx", true),
            ("**", "x", true),
            ("a*bc", "abcbc", true),
            ("a*b?d", "abxabcd", true),
            ("Abc", "abc", false),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(matches(pattern, text, &Context::new()), Ok(expected), "{pattern} {text}");
        }
    }

    #[test]
    fn variables() {
        let context = Context::new().with("k:star", "*").with("k:Blue", "blue").with("k:empty", "");
        let table = [
            ("x-${k:star}", "x-anything", Ok(false)),
            ("x-${k:star}", "x-*", Ok(true)),
            ("x-${K:blue}*", "x-blueish", Ok(true)),
            ("${k:none, 'd'}", "d", Ok(true)),
            ("${k:empty, 'd'}", "d", Ok(true)),
            ("${k:none}", "d", Err(NullVariable)),
            ("${k:empty}", "", Err(NullVariable)),
            ("${*}${?}${$}", "*?$", Ok(true)),
            ("${*}", "a", Ok(false)),
            ("${open", "${open", Ok(true)),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(matches(pattern, text, &context), expected, "{pattern} {text}");
        }
    }
}
