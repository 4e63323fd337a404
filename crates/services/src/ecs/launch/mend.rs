//! Changes to a secret's text that nobody has to know its values for. Each is tried on the text before it is told: what
//! `sed` would do in another place than the one that is meant, or what would not be enough, is no remedy.

use landfall_base::Sensitive;
use regex::Regex;

use super::credential::look;
use super::json::{self, Document};

/// A change to a secret's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mend {
    /// A key has another name.
    Rename {
        /// As it is.
        from: String,
        /// As it must be.
        to: &'static str,
    },
    /// A number must be a string.
    Quote {
        /// The key.
        key: String,
    },
    /// A shell left its quotes around the whole text.
    Unquote,
    /// A JSON object needs more keys.
    Add {
        /// The keys.
        keys: Vec<String>,
        /// The object has none yet.
        first: bool,
    },
}

/// More than this cannot be wrong: quotes around it, two names, two numbers.
const MOST: usize = 5;

/// White space inside a line: `sed` sees one at a time.
const SPACE: &str = r"[ \t\r\x0b\x0c]*";

/// What makes a credential of a text, and the text that it becomes; `None` if that cannot be done.
pub(super) fn mended(text: &str) -> Option<(Vec<Mend>, Sensitive<String>)> {
    let mut text = Sensitive::new(text.to_owned());
    let mut found = Vec::new();
    while found.len() <= MOST {
        let content = look(Some(text.expose()));
        if content.result.is_ok() {
            return Some((found, text));
        }
        let mend = content.mend?;
        text = Sensitive::new(mend.apply(text.expose())?);
        found.push(mend);
    }
    None
}

impl Mend {
    /// Adds the keys of `wanted` that a JSON object does not have; `None` for other text.
    pub(super) fn add(text: &str, wanted: &[&str]) -> Option<Self> {
        let Document::Object(members) = json::read(text).ok()? else { return None };
        let there = |key: &str| members.iter().any(|(name, _)| name.eq_ignore_ascii_case(key));
        let missing: Vec<&str> = wanted.iter().copied().filter(|key| !there(key)).collect();
        let keys: Vec<String> = missing.into_iter().map(str::to_owned).collect();
        (!keys.is_empty()).then_some(Self::Add { keys, first: members.is_empty() })
    }

    /// The text with the change; `None` if it would not be made in one place alone.
    fn apply(&self, text: &str) -> Option<String> {
        match self {
            Self::Rename { from, to } => {
                let key = key_of(text, from)?;
                Some(key.replace(text, format!("\"{to}\"${{colon}}")).into_owned())
            }
            Self::Quote { key } => {
                key_of(text, key)?;
                let number = Regex::new(&format!(
                    r#"(?P<key>"{}"{SPACE}:{SPACE})(?P<number>[-+.0-9eE]+)"#,
                    regex::escape(key)
                ));
                let number = number.ok().filter(|it| it.is_match(text))?;
                Some(number.replace(text, r#"${key}"${number}""#).into_owned())
            }
            Self::Unquote => {
                let line = Some(text.trim_end_matches('\n')).filter(|text| !text.contains('\n'))?;
                let inner = line.trim_matches(|it: char| it.is_ascii_whitespace());
                let inner = inner.strip_prefix('\'').and_then(|it| it.strip_suffix('\''))?;
                Some(inner.to_owned()).filter(|inner| !inner.contains('\''))
            }
            Self::Add { .. } => None,
        }
    }

    /// What it does, in words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Rename { from, to } => format!("calls its key `{from}` `{to}`"),
            Self::Quote { key } => format!("puts the number under `{key}` in quotes"),
            Self::Add { keys, .. } if keys.len() == 1 => format!("adds the key `{}`", keys.concat()),
            Self::Add { keys, .. } => format!("adds the keys `{}`", keys.join("`, `")),
            Self::Unquote => "takes the quotes off that a shell left around it".to_owned(),
        }
    }

    /// What does it, for `sed`. New keys come behind what it leaves: of an object all but the brace that closes it.
    pub(super) fn script(&self) -> String {
        match self {
            Self::Rename { from, to } => format!(r#"s/"{from}"\([[:space:]]*:\)/"{to}"\1/"#),
            Self::Quote { key } => {
                format!(r#"s/\("{key}"[[:space:]]*:[[:space:]]*\)\([-+.0-9eE][-+.0-9eE]*\)/\1"\2"/"#)
            }
            Self::Add { .. } => "s/}[[:space:]]*$//".to_owned(),
            Self::Unquote => r"s/^[[:space:]]*'\(.*\)'[[:space:]]*$/\1/".to_owned(),
        }
    }
}

/// A key with its colon, if that stands in the text once: objects inside the object may have the same.
fn key_of(text: &str, key: &str) -> Option<Regex> {
    let key = Regex::new(&format!(r#""{}"(?P<colon>{SPACE}:)"#, regex::escape(key))).ok()?;
    let once = key.find_iter(text).take(2).count() == 1;
    once.then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rename(from: &str, to: &'static str) -> Mend {
        Mend::Rename { from: from.to_owned(), to }
    }

    fn quote(key: &str) -> Mend {
        Mend::Quote { key: key.to_owned() }
    }

    #[test]
    fn everything_is_mended_or_nothing() {
        for (text, expected) in [
            (r#"{"user":"u","password":"p"}"#, vec![rename("user", "username")]),
            (r#"{"user":"u","pass":"p"}"#, vec![rename("user", "username"), rename("pass", "password")]),
            (r#"{"name":"app","user":"u","password":"p"}"#, vec![rename("user", "username")]),
            (r#"{"username":7,"password":-8.5e3}"#, vec![quote("username"), quote("password")]),
            (r#"{"user":7,"password":"p"}"#, vec![rename("user", "username"), quote("username")]),
            (r#"'{"user":"u","password":"p"}'"#, vec![Mend::Unquote, rename("user", "username")]),
            (
                "{\n  \"user\" : \"u\",\n  \"pass\": \"p\"\n}\n",
                vec![rename("user", "username"), rename("pass", "password")],
            ),
            (r#"{"nested":{"user":"x"},"user":"u","password":"p"}"#, vec![]),
            (r#"{"user":"u","password":"p","nested":{"user":"x"}}"#, vec![]),
            (r#"{"user":"","password":"p"}"#, vec![]),
            (r#"{"user":"u"}"#, vec![]),
            (r#"{"user":"u","pass":["p"]}"#, vec![]),
            ("{\"user\"\n:\"u\",\"password\":\"p\"}", vec![]),
            ("{\"username\":\"u\",\"password\":\n7}", vec![]),
            (r#"{"us\u0065r":"u","password":"p"}"#, vec![]),
            ("'{\"username\":\"u\",\n\"password\":\"p\"}'", vec![]),
            (r#"'{"username":"u"}'"#, vec![]),
            ("hunter2", vec![]),
        ] {
            let found = mended(text).map(|(mends, _)| mends).unwrap_or_default();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn keys_are_added_to_objects_that_lack_them() {
        let add = |keys: &[&str], first| {
            Some(Mend::Add { keys: keys.iter().map(|&it| it.to_owned()).collect(), first })
        };
        for (text, wanted, expected) in [
            (r#"{"a":1}"#, &["k1", "k2"][..], add(&["k1", "k2"], false)),
            ("{}", &["k1", "k2"], add(&["k1", "k2"], true)),
            (r#"{"k1":1}"#, &["k1", "k2"], add(&["k2"], false)),
            (r#"{"K1":1}"#, &["k1", "k2"], add(&["k2"], false)),
            (r#"{"k1":1}"#, &["k1"], None),
            ("{}", &["it's", "a b", "ключ"], add(&["it's", "a b", "ключ"], true)),
            ("[]", &["k1"], None),
            ("hunter2", &["k1"], None),
        ] {
            assert_eq!(Mend::add(text, wanted), expected, "{text}");
        }
    }
}
