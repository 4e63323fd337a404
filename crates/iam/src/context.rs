//! The condition context of one request.

use serde::{Deserialize, Serialize};

/// Condition keys and their values. Key names are compared without regard to case, values with it.
///
/// Keys that follow from the principal or the request (`aws:PrincipalArn`, `aws:userid`, `aws:ResourceAccount`, …)
/// need not be set; a value set here wins over the derived one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    entries: Vec<(String, Vec<String>)>,
}

impl Context {
    /// A context without keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a key with one value, in place of earlier values.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<String>) -> &mut Self {
        self.set_all(key, [value.into()])
    }

    /// Sets a multivalued key, in place of earlier values. No values at all means that the key is absent.
    pub fn set_all(
        &mut self,
        key: impl Into<String>,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> &mut Self {
        let (key, values) = (key.into(), values.into_iter().map(Into::into).collect());
        match self.position(&key) {
            Some(at) => self.entries[at] = (key, values),
            None => self.entries.push((key, values)),
        }
        self
    }

    /// Sets `prefix/tag_key`, for example `aws:ResourceTag/team`. Two tags whose keys differ only in case make the
    /// condition key ambiguous, and then it matches nothing (IAM User Guide, "Access control for tags").
    pub fn set_tag(&mut self, prefix: &str, tag_key: &str, value: impl Into<String>) -> &mut Self {
        let key = format!("{prefix}/{tag_key}");
        match self.position(&key) {
            Some(at) if self.entries[at].0 != key => self.entries[at].1.push(value.into()),
            _ => {
                self.set(key, value);
            }
        }
        self
    }

    /// Builder form of [`set`](Self::set).
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.set(key, value);
        self
    }

    /// The values of a key; `None` when it is absent or has no values.
    pub fn get(&self, key: &str) -> Option<&[String]> {
        let values = &self.entries.get(self.position(key)?)?.1;
        (!values.is_empty()).then_some(values.as_slice())
    }

    /// All keys and values, in the order in which they were set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.entries.iter().map(|(key, values)| (key.as_str(), values.as_slice()))
    }

    fn position(&self, key: &str) -> Option<usize> {
        self.entries.iter().position(|(name, _)| name.eq_ignore_ascii_case(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_names_ignore_case_and_later_values_win() {
        let mut context = Context::new();
        context.set("aws:SourceIp", "10.0.0.1").set("AWS:sourceip", "10.0.0.2");
        assert_eq!(context.get("aws:SOURCEIP"), Some(&["10.0.0.2".to_owned()][..]));
    }

    #[test]
    fn an_empty_list_is_an_absent_key() {
        let mut context = Context::new();
        context.set_all("aws:TagKeys", Vec::<String>::new());
        assert_eq!(context.get("aws:TagKeys"), None);
    }

    #[test]
    fn tags_that_differ_in_case_are_ambiguous() {
        let mut context = Context::new();
        context.set_tag("aws:ResourceTag", "team", "a").set_tag("aws:ResourceTag", "Team", "b");
        assert_eq!(context.get("aws:ResourceTag/team").map(<[String]>::len), Some(2));
    }
}
