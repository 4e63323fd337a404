//! What a registry credential secret must hold: a JSON object with `username` and `password`, both text that is not empty
//! (Developer Guide, "Using non-AWS container images in Amazon ECS").
//!
//! Read as Go's decoder reads it, because the container agent does: keys match in any case, further keys are ignored, the
//! last of several counts, anything but text is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use landfall_acs::RegistryCredential;
use landfall_base::Sensitive;

use super::json::{self, Document};
use super::mend::{Mend, mended};

/// What is wrong with the content of a registry credential secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialProblem {
    /// There is no text: it is empty or binary.
    Empty,
    /// It is not a JSON object, or a member that counts is not text.
    Schema,
    /// `username` is absent or empty.
    Username,
    /// `password` is absent or empty.
    Password,
}

/// What was found in a secret.
#[derive(Debug)]
pub struct Finding {
    /// The credential, or what is wrong.
    pub result: Result<RegistryCredential, CredentialProblem>,
    /// Names of the keys and what is odd about them. Never a value.
    pub notes: Vec<String>,
    /// What replacements in the text make a credential of it; empty if that cannot be done.
    pub mends: Vec<Mend>,
}

/// User and password in a token of ECR: Base64 of `AWS:password`.
pub fn of_token(token: &str) -> Option<RegistryCredential> {
    let text = String::from_utf8(STANDARD.decode(token).ok()?).ok().map(Sensitive::new)?;
    let (username, password) = text.expose().split_once(':')?;
    Some(RegistryCredential { username: username.to_owned(), password: password.into(), replace: None })
}

/// The names of the keys of a JSON object, as a note; `None` for other text.
pub fn keys_of(text: Option<&str>) -> Option<String> {
    match json::read(text?) {
        Ok(Document::Object(members)) => Some(keys(&members)),
        _ => None,
    }
}

/// Most keys that are named, and the length of a name that is shown.
const MOST_KEYS: usize = 10;
const LONGEST_KEY: usize = 40;

/// Looks for a credential in a secret's text; `None` for a secret that is binary.
pub fn read(text: Option<&str>) -> Finding {
    let Content { result, notes, .. } = look(text);
    let wrong = text.filter(|_| result.is_err());
    let mends = wrong.and_then(mended).map(|(mends, _)| mends).unwrap_or_default();
    Finding { result, notes, mends }
}

/// What a text holds, and the first thing that would mend it.
pub(super) struct Content {
    pub(super) result: Result<RegistryCredential, CredentialProblem>,
    notes: Vec<String>,
    pub(super) mend: Option<Mend>,
}

impl Content {
    fn wrong(problem: CredentialProblem, note: &str) -> Self {
        Self { result: Err(problem), notes: vec![note.to_owned()], mend: None }
    }
}

pub(super) fn look(text: Option<&str>) -> Content {
    match text {
        None => Content::wrong(CredentialProblem::Empty, "the secret is binary: only `SecretString` is read"),
        Some("") => Content::wrong(CredentialProblem::Empty, "the secret is empty"),
        Some(text) => match json::read(text) {
            Ok(Document::Object(members)) => of_members(&members),
            Ok(Document::Null) => of_members(&[]),
            Ok(Document::Other(kind)) => Content::wrong(
                CredentialProblem::Schema,
                &format!("the secret is a JSON {kind}, not an object"),
            ),
            Err(why) => Content {
                mend: Some(Mend::Unquote),
                ..Content::wrong(CredentialProblem::Schema, &format!("the secret is not JSON: {why}"))
            },
        },
    }
}

type Member<'a> = (String, &'a serde_json::value::RawValue);

fn of_members(members: &[Member<'_>]) -> Content {
    let mut notes = vec![keys(members)];
    let username = member(members, "username", &mut notes);
    let password = member(members, "password", &mut notes);
    let result = match (username, password) {
        (Err(problem), _) | (_, Err(problem)) => Err(problem),
        (Ok(None), _) => Err(CredentialProblem::Username),
        (_, Ok(None)) => Err(CredentialProblem::Password),
        (Ok(Some(username)), Ok(Some(password))) => {
            Ok(RegistryCredential { username: username.into_exposed(), password, replace: None })
        }
    };
    let mend = result.as_ref().err().and_then(|problem| mend(members, *problem));
    Content { result, notes, mend }
}

/// What mends the first thing that is wrong, if that is simple and safe: the key is written without escapes.
fn mend(members: &[Member<'_>], problem: CredentialProblem) -> Option<Mend> {
    let plain = |key: &str| key.bytes().all(|it| it.is_ascii_alphanumeric() || b"_-".contains(&it));
    let missing = |name: &'static str| {
        if members.iter().any(|(key, _)| same_key(key, name)) {
            return None;
        }
        let is = |alias: &str| members.iter().find(|(key, _)| key.to_lowercase() == alias && plain(key));
        let (key, _) = aliases(name).iter().find_map(|alias| is(alias))?;
        Some(Mend::Rename { from: key.clone(), to: name })
    };
    match problem {
        CredentialProblem::Username => missing("username"),
        CredentialProblem::Password => missing("password"),
        CredentialProblem::Schema => {
            let counts = |key: &str| same_key(key, "username") || same_key(key, "password");
            let number =
                members.iter().find(|(key, raw)| counts(key) && plain(key) && json::kind(raw) == "number");
            number.map(|(key, _)| Mend::Quote { key: key.clone() })
        }
        CredentialProblem::Empty => None,
    }
}

fn keys(members: &[Member<'_>]) -> String {
    if members.is_empty() {
        return "keys: none".to_owned();
    }
    let shown: Vec<String> = members.iter().take(MOST_KEYS).map(|(key, _)| shown(key)).collect();
    let more = if members.len() > MOST_KEYS { ", …" } else { "" };
    format!("keys: {}{more}", shown.join(", "))
}

fn shown(key: &str) -> String {
    let plain = |it: char| if it.is_control() { ' ' } else { it };
    let cut: String = key.chars().take(LONGEST_KEY).map(plain).collect();
    if key.chars().count() > LONGEST_KEY { format!("{cut}…") } else { cut }
}

/// The text of a key; `None` if it is absent or empty.
fn member(
    members: &[Member<'_>],
    name: &str,
    notes: &mut Vec<String>,
) -> Result<Option<Sensitive<String>>, CredentialProblem> {
    let mut found = None;
    let mut present = false;
    let mut wrong = None;
    for (key, raw) in members.iter().filter(|(key, _)| same_key(key, name)) {
        present = true;
        match json::kind(raw) {
            // A string that Go would mend, such as one with half a surrogate pair, is refused here.
            "string" => match serde_json::from_str::<String>(raw.get()) {
                Ok(text) => found = Some(Sensitive::new(text)),
                Err(_) => wrong = Some(format!("`{}` is not valid text", shown(key))),
            },
            "null" => found = None,
            kind => wrong = Some(format!("`{}` is a JSON {kind}: it must be a string", shown(key))),
        }
    }
    if let Some(note) = wrong {
        notes.push(note);
        return Err(CredentialProblem::Schema);
    }
    let found = found.filter(|text: &Sensitive<String>| !text.expose().is_empty());
    if found.is_none() {
        notes.push(if present { format!("`{name}` is empty") } else { missing(members, name) });
    }
    Ok(found)
}

fn missing(members: &[Member<'_>], name: &str) -> String {
    let is_alias = |key: &String| aliases(name).contains(&key.as_str());
    let close = members.iter().map(|(key, _)| key.to_lowercase()).find(is_alias);
    match close {
        Some(key) => format!("`{name}` is missing: the key `{}` is not read", shown(&key)),
        None => format!("`{name}` is missing"),
    }
}

/// Names that people write instead, the likeliest first.
fn aliases(name: &str) -> &'static [&'static str] {
    match name {
        "username" => &["user", "user_name", "user-name", "login", "usr", "userid", "name", "account"],
        _ => &["pass", "passwd", "pwd", "pass_word", "passphrase", "token", "secret", "key"],
    }
}

/// Go's folding of keys: ASCII letters in any case, and the two letters outside ASCII that fold to one of them.
fn same_key(key: &str, name: &str) -> bool {
    let fold = |it: char| match it {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    key.chars().map(fold).eq(name.chars())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_read_as_go_reads_it() {
        use CredentialProblem::{Empty, Password, Schema, Username};
        for (text, expected) in [
            (Some(r#"{"username":"u","password":"p"}"#), Ok(("u", "p"))),
            (Some(r#" {"USERNAME":"u","Password":"p","extra":{"a":[1]}} "#), Ok(("u", "p"))),
            (Some("{\"u\u{17f}ername\":\"u\",\"password\":\"p\"}"), Ok(("u", "p"))),
            (Some(r#"{"username":"a","username":"u","password":"p"}"#), Ok(("u", "p"))),
            (Some(r#"{"username":"a","Username":null,"password":"p"}"#), Err(Username)),
            (Some(r#"{"user":"u","password":"p"}"#), Err(Username)),
            (Some(r#"{"username":"","password":"p"}"#), Err(Username)),
            (Some(r#"{"username":"u"}"#), Err(Password)),
            (Some(r#"{"username":"u","password":""}"#), Err(Password)),
            (Some("{}"), Err(Username)),
            (Some("null"), Err(Username)),
            (Some(r#"{"username":7,"password":"p"}"#), Err(Schema)),
            (Some(r#"{"username":"u","password":true}"#), Err(Schema)),
            (Some(r#"{"username":"u","password":["p"]}"#), Err(Schema)),
            (Some(r#"["u","p"]"#), Err(Schema)),
            (Some("hunter2"), Err(Schema)),
            (Some(r#"{"username":"u","password":"p"} x"#), Err(Schema)),
            (Some(" "), Err(Schema)),
            (Some(""), Err(Empty)),
            (None, Err(Empty)),
        ] {
            let result = read(text).result;
            let found = result.as_ref().map(|it| (it.username.as_str(), it.password.expose().as_str()));
            assert_eq!(found.map_err(|problem| *problem), expected, "{text:?}");
        }
    }

    #[test]
    fn notes_name_keys_and_never_values() {
        for (text, expected) in [
            (
                r#"{"user":"hunter1","password":"hunter2"}"#,
                "`username` is missing: the key `user` is not read",
            ),
            (
                r#"{"username":"hunter1","password":123456}"#,
                "`password` is a JSON number: it must be a string",
            ),
            (r#"{"username":"hunter1","password":""}"#, "`password` is empty"),
            (r#"["hunter2"]"#, "the secret is a JSON array, not an object"),
            ("hunter2", "the secret is not JSON: invalid character looking for beginning of value"),
            ("'hunter2'", r"the secret is not JSON: invalid character '\'' looking for beginning of value"),
        ] {
            let finding = read(Some(text));
            assert!(finding.notes.iter().any(|note| note == expected), "{text}: {:?}", finding.notes);
            let shown = format!("{finding:?}");
            assert!(!shown.contains("hunter2") && !shown.contains("123456"), "{shown}");
        }
    }
}
