//! Decisions of ECR without I/O, and its sentences.

pub mod lifecycle;
pub mod pretty;
pub mod tags;
pub mod wording;

use super::record::Mutability;

/// Whether `pattern`, in which `*` stands for any text, matches the whole of `text`.
pub fn wildcard(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

/// Whether a tag, once it is on an image, stays there.
pub fn is_fixed(mutability: &Mutability, tag: &str) -> bool {
    let excluded = |patterns: &[String]| patterns.iter().any(|pattern| wildcard(pattern, tag));
    match mutability {
        Mutability::Mutable(patterns) => excluded(patterns),
        Mutability::Immutable(patterns) => !excluded(patterns),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "x", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("*b", "abc", false),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("a**a", "aa", true),
            ("*ab*ab", "ab", false),
            ("dev-*", "prod-1", false),
        ] {
            assert_eq!(wildcard(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn exclusions_turn_the_setting_round() {
        let dev = || vec!["dev-*".to_owned(), "latest".to_owned()];
        for (mutability, tag, fixed) in [
            (Mutability::Mutable(Vec::new()), "latest", false),
            (Mutability::Immutable(Vec::new()), "latest", true),
            (Mutability::Immutable(dev()), "latest", false),
            (Mutability::Immutable(dev()), "dev-1", false),
            (Mutability::Immutable(dev()), "v1", true),
            (Mutability::Mutable(dev()), "dev-1", true),
            (Mutability::Mutable(dev()), "v1", false),
        ] {
            assert_eq!(is_fixed(&mutability, tag), fixed, "{mutability:?} {tag}");
        }
    }
}
