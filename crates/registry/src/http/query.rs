//! The query string.

use percent_encoding::percent_decode_str;

/// Decoded names and values, in their order.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(n, v)| (decode(n), decode(v)))
                .collect(),
        )
    }

    /// Every value under `name`.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The first value under `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// `+` stays what it is: media types have it, and no value here has spaces.
fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_names_and_values() {
        let query = Query::parse("digest=sha256%3Aab&artifactType=a/b+json&flag&&n=1&n=2");
        assert_eq!(query.get("digest"), Some("sha256:ab"));
        assert_eq!(query.get("artifactType"), Some("a/b+json"));
        assert_eq!((query.get("flag"), query.get("n"), query.get("x")), (Some(""), Some("1"), None));
    }
}
