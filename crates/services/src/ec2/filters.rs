//! Filters of the lists: all must match, each by one of its values; `*` and `?` stand for anything (EC2 User Guide, "List
//! and filter using the CLI and API").

use landfall_api::ec2::Filter;
use landfall_shape::ServiceError;

use super::errors;

/// The filters of a request.
#[derive(Debug)]
pub(super) struct Filters(Vec<(String, Vec<String>)>);

impl Filters {
    /// Reads filters whose names are among these, `tag-key`, or begin with `tag:`.
    ///
    /// # Errors
    /// `InvalidParameterValue`
    pub(super) fn of(filters: Option<Vec<Filter>>, names: &[&str]) -> Result<Self, ServiceError> {
        let read = |filter: Filter| {
            let name = filter.name.unwrap_or_default();
            if !names.contains(&name.as_str()) && name != "tag-key" && !name.starts_with("tag:") {
                return Err(errors::invalid_value(format!("The filter '{name}' is invalid")));
            }
            Ok((name, filter.values.unwrap_or_default()))
        };
        filters.into_iter().flatten().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether something passes whose fields `of` tells by filter name.
    pub(super) fn pass(&self, tags: &[(String, String)], of: impl Fn(&str) -> Vec<String>) -> bool {
        self.0.iter().all(|(name, wanted)| {
            let values = match name.strip_prefix("tag:") {
                Some(key) => {
                    tags.iter().filter(|(it, _)| it == key).map(|(_, value)| value.clone()).collect()
                }
                None if name == "tag-key" => tags.iter().map(|(key, _)| key.clone()).collect(),
                None => of(name),
            };
            values.iter().any(|value| wanted.iter().any(|pattern| matches(pattern, value)))
        })
    }
}

/// `*` stands for any text and `?` for one character.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut seen) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(letter) = text.get(seen) {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || wanted == letter => {
                at += 1;
                seen += 1;
            }
            _ => match star {
                Some((before, taken)) => {
                    star = Some((before, taken + 1));
                    at = before + 1;
                    seen = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("com.amazonaws.*.ecr.???", "com.amazonaws.us-east-1.ecr.dkr", true),
            ("*a*b*", "xaybz", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
