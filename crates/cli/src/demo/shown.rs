//! What the demo prints: commands as a user would type them, and what they answer.

use std::fmt::Write;

use crate::env::shell::quote;
use crate::error::CliError;
use crate::terminal::{self, Style, visible};

/// Prints a heading.
pub(super) fn chapter(title: &str) -> Result<(), CliError> {
    Ok(terminal::print(&format!("\n{}\n", Style::stdout().bold(title)))?)
}

/// Prints a command line, broken before its options where it is long.
pub(super) fn command(words: &[&str]) -> Result<(), CliError> {
    Ok(terminal::print(&Style::stdout().cyan(&command_text(words)))?)
}

/// Prints what a command answers, indented.
pub(super) fn answer(text: &str) -> Result<(), CliError> {
    let lines = text.lines().map(|line| format!("    {}\n", visible(line)));
    Ok(terminal::print(&lines.collect::<String>())?)
}

/// Prints text that is already formatted, indented.
pub(super) fn formatted(text: &str) -> Result<(), CliError> {
    let lines =
        text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("    {line}\n") });
    Ok(terminal::print(&lines.collect::<String>())?)
}

fn command_text(words: &[&str]) -> String {
    let mut text = String::from("$");
    let mut width = 1;
    for word in words {
        let word = quote(word);
        if width + word.len() > 100 && word.starts_with("--") {
            text.push_str(" \\\n     ");
            width = 5;
        }
        // Writing to a string cannot fail.
        let _ = write!(text, " {word}");
        width += 1 + word.len();
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_can_be_typed() {
        let words =
            ["aws", "iam", "put-role-policy", "--role-name", "demo-execution", "--policy-name", "registry"];
        let document = r#"{"Version":"2012-10-17","Statement":[]}"#;
        let all = [&words[..], &["--policy-document", document, "--more", "x"]].concat();
        insta::assert_snapshot!(command_text(&all), @r#"
        $ aws iam put-role-policy --role-name demo-execution --policy-name registry --policy-document '{"Version":"2012-10-17","Statement":[]}' \
              --more x
        "#);
    }
}
