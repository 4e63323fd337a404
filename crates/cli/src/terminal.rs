//! Standard output and error: colours where a person looks, plain text elsewhere.

use std::io::{self, IsTerminal, Write};

/// Colours, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    colour: bool,
}

impl Style {
    /// For text without colours.
    #[cfg(test)]
    pub(crate) const fn plain() -> Self {
        Self { colour: false }
    }

    /// For standard output.
    pub(crate) fn stdout() -> Self {
        Self { colour: io::stdout().is_terminal() && wants_colour() }
    }

    /// For standard error.
    pub(crate) fn stderr() -> Self {
        Self { colour: io::stderr().is_terminal() && wants_colour() }
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.paint("31", text)
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    pub(crate) fn cyan(self, text: &str) -> String {
        self.paint("36", text)
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// `NO_COLOR` and `TERM=dumb` ask for plain text (no-color.org).
fn wants_colour() -> bool {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb")
}

/// Text of others without what a terminal would obey: a registry's answer may hold anything.
pub(crate) fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Writes text to standard output.
///
/// # Errors
/// Nobody reads it, or the disk is full.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Writes a value to standard output as indented JSON.
///
/// # Errors
/// Nobody reads it, or the disk is full.
pub(crate) fn print_json(value: &impl serde::Serialize) -> io::Result<()> {
    print(&format!("{}\n", serde_json::to_string_pretty(value)?))
}

/// Tells a person how things go, on standard error, so that standard output stays what programs read.
pub(crate) fn note(text: &str) {
    // Where nobody reads standard error, there is nobody to tell.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_others_are_defused() {
        assert_eq!(visible("a\x1b[2Jb\r"), "a\u{fffd}[2Jb\u{fffd}");
    }

    #[test]
    fn plain_text_has_no_colours() {
        assert_eq!(Style::plain().red("x"), "x");
        assert_eq!(Style { colour: true }.red("x"), "\x1b[31mx\x1b[0m");
    }
}
