//! The models' regular expressions in the dialect of the `regex` crate.

/// Rewrites a model's pattern ([`crate::Kind::String`]) for `regex::Regex::new`, so that it matches whole texts only.
///
/// The models mean Java's dialect, where `\w`, `\d` and `\s` are ASCII; in Rust they are Unicode. Error messages show
/// the pattern as the model has it.
///
/// ```
/// assert_eq!(landfall_shape::regex_of_pattern(r"[\w+=,.@-]+"), "^(?:[[:word:]+=,.@-]+)$");
/// ```
pub fn regex_of_pattern(pattern: &str) -> String {
    let mut regex = String::from("^(?:");
    let mut letters = pattern.chars();
    let mut in_class = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => push_escape(&mut regex, letters.next(), in_class),
            '[' | ']' => {
                in_class = letter == '[';
                regex.push(letter);
            }
            _ => regex.push(letter),
        }
    }
    regex.push_str(")$");
    regex
}

fn push_escape(regex: &mut String, escaped: Option<char>, in_class: bool) {
    let class = match escaped {
        Some('w') => "[:word:]",
        Some('W') => "[:^word:]",
        Some('d') => "[:digit:]",
        Some('D') => "[:^digit:]",
        Some('s') => "[:space:]",
        Some('S') => "[:^space:]",
        other => {
            regex.push('\\');
            regex.extend(other);
            return;
        }
    };
    if in_class {
        regex.push_str(class);
    } else {
        regex.extend(["[", class, "]"]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_become_ascii() {
        let cases = [
            (r"[\w+=,.@-]*", "^(?:[[:word:]+=,.@-]*)$"),
            (r"\d{12}", "^(?:[[:digit:]]{12})$"),
            (r"\S{36,128}", "^(?:[[:^space:]]{36,128})$"),
            (r"\[\w", r"^(?:\[[[:word:]])$"),
            (r"[\u0020-\u00FF]+", r"^(?:[\u0020-\u00FF]+)$"),
            (r"a\", r"^(?:a\)$"),
        ];
        for (pattern, regex) in cases {
            assert_eq!(regex_of_pattern(pattern), regex);
        }
    }
}
