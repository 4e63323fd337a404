//! The condition context of one request.

use serde::{Deserialize, Serialize};

/// Condition keys and their values. Key names are compared without regard to case, values with it.
///
/// Keys that follow from the principal or the request (`aws:PrincipalArn`, `aws:userid`, `aws:ResourceAccount`, …)
/// need not be set; a value set here wins over the derived one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    entries: Vec<(String, Vec<String>)>,
    /// Names that several entries have, with the values of all: they differ in case alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ambiguous: Vec<(String, Vec<String>)>,
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
        if self.ambiguous(&key).is_some() {
            self.entries.retain(|(name, _)| !name.eq_ignore_ascii_case(&key));
            self.ambiguous.retain(|(name, _)| !name.eq_ignore_ascii_case(&key));
        }
        match self.position(&key) {
            Some(at) => self.entries[at] = (key, values),
            None => self.entries.push((key, values)),
        }
        self
    }

    /// Sets a key that is one of many, such as a tag's or that of a pair in an encryption context, in place of earlier
    /// values of exactly this key. Keys that differ only in case both stay, and make the condition key ambiguous: it has
    /// the values of both, and so matches nothing that is about one value (IAM User Guide, "Access control for tags").
    pub fn add_all(
        &mut self,
        key: impl Into<String>,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> &mut Self {
        let (key, values) = (key.into(), values.into_iter().map(Into::into).collect());
        match self.position(&key) {
            None => self.entries.push((key, values)),
            Some(at) if self.entries[at].0 == key && self.ambiguous.is_empty() => self.entries[at].1 = values,
            Some(_) => self.add_beside(key, values),
        }
        self
    }

    /// Sets a key of which there are others, and notes the values of all.
    fn add_beside(&mut self, key: String, values: Vec<String>) {
        match self.entries.iter_mut().find(|(name, _)| *name == key) {
            Some(entry) => entry.1 = values,
            None => self.entries.push((key.clone(), values)),
        }
        self.ambiguous.retain(|(name, _)| !name.eq_ignore_ascii_case(&key));
        let of_name = || self.entries.iter().filter(|(name, _)| name.eq_ignore_ascii_case(&key));
        if of_name().count() > 1 {
            let values = of_name().flat_map(|(_, values)| values).cloned().collect();
            self.ambiguous.push((key, values));
        }
    }

    /// Sets `prefix/tag_key`, for example `aws:ResourceTag/team`, as [`add_all`](Self::add_all) does.
    pub fn set_tag(&mut self, prefix: &str, tag_key: &str, value: impl Into<String>) -> &mut Self {
        self.add_all(format!("{prefix}/{tag_key}"), [value.into()])
    }

    /// Builder form of [`set`](Self::set).
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.set(key, value);
        self
    }

    /// The values of a key; `None` when it is absent or has no values.
    pub fn get(&self, key: &str) -> Option<&[String]> {
        let values = match self.ambiguous(key) {
            Some(values) => values,
            None => &self.entries.get(self.position(key)?)?.1,
        };
        (!values.is_empty()).then_some(values.as_slice())
    }

    /// All keys and values, in the order in which they were set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.entries.iter().map(|(key, values)| (key.as_str(), values.as_slice()))
    }

    fn ambiguous(&self, key: &str) -> Option<&Vec<String>> {
        self.ambiguous.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, values)| values)
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

    #[test]
    fn ambiguous_keys_keep_their_spelling() {
        let mut context = Context::new();
        for (key, value) in [("k:a", "1"), ("k:A", "2"), ("k:b", "3"), ("k:A", "4")] {
            context.add_all(key, [value]);
        }
        let entries: Vec<_> = context.iter().map(|(key, values)| (key, values.concat())).collect();
        assert_eq!(entries, [("k:a", "1".into()), ("k:A", "4".into()), ("k:b", "3".into())]);
        assert_eq!(context.get("K:a").unwrap(), ["1", "4"]);
        context.set("K:A", "5");
        assert_eq!(context.get("k:a").unwrap(), ["5"]);
        assert_eq!(context.iter().count(), 2);
    }
}
