//! Wildcards and variables, character by character.

/// A pattern whose variables have become plain characters.
pub(super) struct Filled(Vec<Piece>);

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Piece {
    Plain(char),
    Star,
    One,
}

impl Filled {
    /// `matched[n]`: the pieces so far match the first `n` characters.
    pub(super) fn matches(&self, text: &str) -> bool {
        let starts = |(piece, letter)| matches!(piece, &Piece::Plain(wanted) if wanted != letter);
        let plain = self.0.iter().take_while(|piece| matches!(piece, Piece::Plain(_)));
        if plain.zip(text.chars()).any(starts) {
            return false;
        }
        let text: Vec<char> = text.chars().collect();
        let mut matched = vec![false; text.len() + 1];
        matched[0] = true;
        for piece in &self.0 {
            let before = matched.clone();
            for n in 0..=text.len() {
                matched[n] = match piece {
                    Piece::Star => before[..=n].contains(&true),
                    Piece::One => n > 0 && before[n - 1],
                    Piece::Plain(wanted) => n > 0 && before[n - 1] && text[n - 1] == *wanted,
                };
            }
        }
        matched[text.len()]
    }

    pub(super) fn text(&self) -> String {
        let letter = |piece: &Piece| match piece {
            Piece::Plain(letter) => *letter,
            Piece::Star => '*',
            Piece::One => '?',
        };
        self.0.iter().map(letter).collect()
    }
}

fn piece(letter: char, wildcards: bool) -> Piece {
    match letter {
        '*' if wildcards => Piece::Star,
        '?' if wildcards => Piece::One,
        other => Piece::Plain(other),
    }
}

pub(super) fn wild(text: &str) -> Filled {
    Filled(text.chars().map(|letter| piece(letter, true)).collect())
}

pub(super) fn plain(text: &str) -> Filled {
    Filled(text.chars().map(Piece::Plain).collect())
}

/// `None`: a variable has no value. `value` gets the key and the default.
pub(super) fn fill(
    text: &str,
    wildcards: bool,
    value: &dyn Fn(&str, Option<&str>) -> Option<String>,
) -> Option<Filled> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let closed = rest.strip_prefix("${").and_then(|inner| inner.split_once('}'));
        let Some((inner, after)) = closed else {
            pieces.push(piece(letter, wildcards));
            rest = &rest[letter.len_utf8()..];
            continue;
        };
        let inner = inner.trim();
        let (key, default) = match inner.split_once(',') {
            Some((key, default)) => (key.trim(), Some(default.trim().trim_matches('\''))),
            None => (inner, None),
        };
        let filled = if ["*", "?", "$"].contains(&inner) { inner.to_owned() } else { value(key, default)? };
        pieces.extend(filled.chars().map(Piece::Plain));
        rest = after;
    }
    Some(Filled(pieces))
}

/// The six fields of an ARN.
pub(super) fn six(text: &str) -> Option<Vec<String>> {
    let fields: Vec<_> = text.splitn(6, ':').map(str::to_owned).collect();
    (fields.len() == 6).then_some(fields)
}

/// The fields of a pattern, whose variables may hold colons.
pub(super) fn fields(text: &str, _variables: bool) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut inside = false;
    for (at, letter) in text.char_indices() {
        if !inside && text[at..].starts_with("${") && text[at..].contains('}') {
            inside = true;
        }
        if letter == ':' && !inside && fields.len() < 6 {
            fields.push(String::new());
        } else {
            fields.last_mut().unwrap().push(letter);
        }
        if letter == '}' {
            inside = false;
        }
    }
    fields
}
