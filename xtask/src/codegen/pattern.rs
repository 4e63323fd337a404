//! The models' regular expressions: a model with one that validation could not use is refused here, not at run time.

use anyhow::{Context as _, Result};
use landfall_shape::regex_of_pattern;
use regex::Regex;

/// Refuses a pattern that the `regex` crate cannot compile.
pub(super) fn check(pattern: &str) -> Result<()> {
    let advice = || format!("pattern `{pattern}` does not compile: replace it in the overlay");
    Regex::new(&regex_of_pattern(pattern)).with_context(advice).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rust_cannot_compile_is_refused() {
        assert!(check(r"[\w+=,.@-]*").is_ok());
        assert!(check("a(?!b)").unwrap_err().to_string().contains("overlay"));
    }
}
