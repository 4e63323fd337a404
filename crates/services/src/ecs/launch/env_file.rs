//! Environment files, as the container agent reads them. Pure.
//!
//! A line is `NAME=value`: split at the first `=`, nothing trimmed, quoted, escaped or expanded. `#` in the first column
//! begins a comment. Lines without `=` and lines without a name are left out.

use landfall_base::Sensitive;

/// Largest file in bytes. AWS names no limit; what a process can be started with is far below this.
pub const LARGEST: u64 = 8 * 1024 * 1024;

/// Longest line in bytes, its end included: the buffer of Go's scanner.
const LONGEST_LINE: usize = 64 * 1024;

/// Why a file cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnvFileProblem {
    /// A line is too long for the agent's scanner.
    LongLine,
    /// It is not UTF-8.
    NotText,
    /// It is larger than [`LARGEST`].
    TooLarge,
}

impl std::fmt::Display for EnvFileProblem {
    /// Go's words for the first; ours for the others.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::LongLine => "bufio.Scanner: token too long",
            Self::NotText => "the file is not UTF-8 text",
            Self::TooLarge => "the file is larger than 8 MiB",
        })
    }
}

/// The variables of a file, in order.
///
/// # Errors
/// The file cannot be read.
pub fn read(bytes: &[u8]) -> Result<Vec<(String, Sensitive<String>)>, EnvFileProblem> {
    let text = std::str::from_utf8(bytes).map_err(|_| EnvFileProblem::NotText)?;
    let mut out = Vec::new();
    for line in text.split('\n') {
        if line.len() >= LONGEST_LINE {
            return Err(EnvFileProblem::LongLine);
        }
        let line = line.strip_suffix('\r').unwrap_or(line);
        let variable = line.split_once('=').filter(|(name, _)| !name.is_empty() && !line.starts_with('#'));
        out.extend(variable.map(|(name, value)| (name.to_owned(), Sensitive::new(value.to_owned()))));
    }
    Ok(out)
}

/// Adds variables to those that a container has: what is there wins, so that secrets go before files and the first file
/// before later ones.
pub fn add(environment: &mut Vec<(String, Sensitive<String>)>, more: &[(String, Sensitive<String>)]) {
    for (name, value) in more {
        if !environment.iter().any(|(other, _)| other == name) {
            environment.push((name.clone(), value.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_are() {
        let text = "A=1\n# no\n #B=2\nC = 3 \n=x\nnothing\nD='a=b'\r\nE=\nF=$A\n";
        let read = read(text.as_bytes()).unwrap();
        let found: Vec<_> =
            read.iter().map(|(name, value)| (name.as_str(), value.expose().as_str())).collect();
        let expected = [("A", "1"), (" #B", "2"), ("C ", " 3 "), ("D", "'a=b'"), ("E", ""), ("F", "$A")];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_cannot_be_read() {
        assert_eq!(read(&[0xff, b'=']).unwrap_err(), EnvFileProblem::NotText);
        let long = format!("A={}", "x".repeat(LONGEST_LINE));
        assert_eq!(read(long.as_bytes()).unwrap_err(), EnvFileProblem::LongLine);
    }

    #[test]
    fn what_is_there_wins() {
        let mut environment = vec![("A".to_owned(), Sensitive::new("secret".to_owned()))];
        add(&mut environment, &read(b"A=1\nB=1\nB=2").unwrap());
        add(&mut environment, &read(b"B=3\nC=3").unwrap());
        let found: Vec<_> =
            environment.iter().map(|(name, it)| (name.as_str(), it.expose().as_str())).collect();
        assert_eq!(found, [("A", "secret"), ("B", "1"), ("C", "3")]);
    }
}
