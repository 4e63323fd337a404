//! Setting variables in the languages of shells, whatever the values hold.

/// A family of shells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Shell {
    /// sh, bash, zsh and their like
    Sh,
    /// fish
    Fish,
    /// PowerShell
    Powershell,
}

impl Shell {
    /// The user's, as `SHELL` has it.
    pub(super) fn of_environment() -> Self {
        let shell = std::env::var("SHELL").unwrap_or_default();
        if shell.ends_with("/fish") { Self::Fish } else { Self::Sh }
    }

    /// A line that sets a variable for this shell and its children.
    pub(super) fn export(self, name: &str, value: &str) -> String {
        match self {
            Self::Sh => format!("export {name}={}\n", quote(value)),
            // Command substitution makes one line of several in fish: each needs its own end.
            Self::Fish => format!("set -gx {name} '{}';\n", value.replace('\\', r"\\").replace('\'', r"\'")),
            Self::Powershell => format!("$Env:{name} = '{}'\n", value.replace('\'', "''")),
        }
    }

    /// A line that removes a variable, set or not.
    pub(super) fn unset(self, name: &str) -> String {
        match self {
            Self::Sh => format!("unset {name}\n"),
            Self::Fish => format!("set -e {name};\n"),
            Self::Powershell => format!("Remove-Item Env:{name} -ErrorAction SilentlyContinue\n"),
        }
    }
}

/// Text as one word of a POSIX shell.
pub(crate) fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_they_must_be() {
        for (text, word) in [
            ("", "''"),
            ("plain-1.0/x:y@z", "plain-1.0/x:y@z"),
            ("two words", "'two words'"),
            ("$(rm -rf /)", "'$(rm -rf /)'"),
            ("it's", r"'it'\''s'"),
            ("a\nb", "'a\nb'"),
        ] {
            assert_eq!(quote(text), word);
        }
    }

    #[test]
    fn powershell_doubles_quotes() {
        assert_eq!(Shell::Powershell.export("A", "x'y"), "$Env:A = 'x''y'\n");
    }
}
