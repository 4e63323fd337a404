//! `WWW-Authenticate` (RFC 9110 §11.6.1): several challenges in one header, or several headers.

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// One way in that the registry offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    /// In lower case: `bearer`, `basic`.
    pub(super) scheme: String,
    /// Names in lower case.
    params: Vec<(String, String)>,
}

impl Challenge {
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// All challenges of an answer, in its order.
pub(super) fn challenges(headers: &HeaderMap) -> Vec<Challenge> {
    let texts = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    texts.flat_map(parse).collect()
}

fn parse(text: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    for item in split_outside_quotes(text, ',') {
        let (left, value) = match split_outside_quotes(item, '=').next() {
            Some(left) if left.len() < item.len() => (left.trim(), Some(&item[left.len() + 1..])),
            _ => (item.trim(), None),
        };
        // `Bearer realm` begins a challenge; `service` alone goes on with it; `Negotiate` alone begins one too.
        let (scheme, key) = match left.split_once(char::is_whitespace) {
            Some((scheme, key)) => (Some(scheme), key.trim()),
            None if value.is_none() && !left.is_empty() => (Some(left), ""),
            None => (None, left),
        };
        if let Some(scheme) = scheme {
            found.push(Challenge { scheme: scheme.to_ascii_lowercase(), params: Vec::new() });
        }
        if let (Some(challenge), Some(value), false) = (found.last_mut(), value, key.is_empty()) {
            challenge.params.push((key.to_ascii_lowercase(), unquote(value.trim())));
        }
    }
    found
}

/// Splits where `separator` stands outside a quoted string.
fn split_outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c: char| {
        let literal = std::mem::take(&mut escaped);
        match c {
            '\\' if quoted && !literal => escaped = true,
            '"' if !literal => quoted = !quoted,
            _ => {}
        }
        c == separator && !quoted
    })
}

fn unquote(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else { return value.to_owned() };
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => out.extend(chars.next()),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn challenge(scheme: &str, params: &[(&str, &str)]) -> Challenge {
        let params = params.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Challenge { scheme: scheme.to_owned(), params }
    }

    #[test]
    fn headers_as_registries_send_them() {
        let cases = [
            (
                r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push",error="insufficient_scope""#,
                vec![challenge(
                    "bearer",
                    &[
                        ("realm", "https://auth.docker.io/token"),
                        ("service", "registry.docker.io"),
                        ("scope", "repository:a/b:pull,push"),
                        ("error", "insufficient_scope"),
                    ],
                )],
            ),
            (r#"Basic realm="Registry Realm""#, vec![challenge("basic", &[("realm", "Registry Realm")])]),
            (
                r#"Negotiate, BASIC Realm = "a \"b\", c=d" , Bearer realm=https://x/t?a=b,service=s"#,
                vec![
                    challenge("negotiate", &[]),
                    challenge("basic", &[("realm", r#"a "b", c=d"#)]),
                    challenge("bearer", &[("realm", "https://x/t?a=b"), ("service", "s")]),
                ],
            ),
            (r#"Basic"#, vec![challenge("basic", &[])]),
            ("", vec![]),
            (r#"realm="nobody""#, vec![]),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_header_breaks_the_parser(text in "[ -~]{0,60}") {
            let _ = parse(&text);
        }

        #[test]
        fn any_quoted_value_reads_back(value in "[ -~]{0,30}") {
            let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
            let found = parse(&format!("Basic a=\"{quoted}\", b=1"));
            prop_assert_eq!(found.len(), 1);
            prop_assert_eq!(found[0].param("a"), Some(value.as_str()));
            prop_assert_eq!(found[0].param("b"), Some("1"));
        }
    }
}
