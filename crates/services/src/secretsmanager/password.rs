//! Random passwords.

use landfall_base::{Sensitive, random};

const LOWERCASE: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
const UPPERCASE: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &[u8] = b"0123456789";
const PUNCTUATION: &[u8] = b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// What a password is made of.
#[derive(Debug)]
pub(super) struct Recipe {
    /// The kinds of characters, without those that are excluded. Kinds without characters are absent.
    kinds: Vec<Vec<u8>>,
    /// Characters beside the kinds: the space.
    others: Vec<u8>,
    length: usize,
    each_kind: bool,
}

/// What a password may be made of, as `GetRandomPassword` says it.
#[derive(Debug, Default)]
pub struct Wishes {
    /// The number of characters.
    pub length: usize,
    /// Characters that must not be in it.
    pub exclude: String,
    /// No small letters.
    pub no_lowercase: bool,
    /// No capital letters.
    pub no_uppercase: bool,
    /// No digits.
    pub no_digits: bool,
    /// No punctuation.
    pub no_punctuation: bool,
    /// The space may be in it.
    pub space: bool,
    /// At least one character of each kind.
    pub each_kind: bool,
}

/// Why there is no such password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum PasswordError {
    /// Fewer characters than kinds.
    #[error("Password length is too short based on the required types.")]
    TooShort,
    /// Everything is excluded.
    #[error("The password can't be generated because every character is excluded.")]
    NoCharacters,
}

impl Recipe {
    /// From wishes.
    ///
    /// # Errors
    /// They cannot be met.
    pub(super) fn of(wishes: &Wishes) -> Result<Self, PasswordError> {
        let kinds = [
            (LOWERCASE, wishes.no_lowercase),
            (UPPERCASE, wishes.no_uppercase),
            (DIGITS, wishes.no_digits),
            (PUNCTUATION, wishes.no_punctuation),
        ];
        let allowed = |kind: &[u8]| -> Vec<u8> {
            kind.iter().copied().filter(|byte| !wishes.exclude.contains(char::from(*byte))).collect()
        };
        let kinds = kinds.into_iter().filter(|(_, excluded)| !excluded).map(|(kind, _)| allowed(kind));
        let kinds: Vec<_> = kinds.filter(|kind| !kind.is_empty()).collect();
        let others = if wishes.space { allowed(b" ") } else { Vec::new() };
        if kinds.is_empty() && others.is_empty() {
            return Err(PasswordError::NoCharacters);
        }
        if wishes.each_kind && wishes.length < kinds.len() {
            return Err(PasswordError::TooShort);
        }
        Ok(Self { kinds, others, length: wishes.length, each_kind: wishes.each_kind })
    }

    /// A password: one character of each kind if that is wished, the rest from all, in random order.
    pub(super) fn password(&self) -> Sensitive<String> {
        let alphabet = [self.kinds.concat(), self.others.clone()].concat();
        let required = if self.each_kind { self.kinds.as_slice() } else { &[] };
        // Of its final size from the start, so that growing leaves no copy behind.
        let mut bytes = Vec::with_capacity(self.length);
        bytes.extend(required.iter().map(|kind| choose(kind)));
        while bytes.len() < self.length {
            bytes.push(choose(&alphabet));
        }
        for last in (1..bytes.len()).rev() {
            bytes.swap(last, below(last + 1));
        }
        // The alphabets are ASCII, so this never falls back.
        Sensitive::new(String::from_utf8(bytes).unwrap_or_default())
    }
}

fn choose(alphabet: &[u8]) -> u8 {
    alphabet.get(below(alphabet.len())).copied().unwrap_or(b'?')
}

/// A random number below `limit`, each equally likely.
fn below(limit: usize) -> usize {
    let limit = u32::try_from(limit).unwrap_or(u32::MAX).max(1);
    let fair = u32::MAX - u32::MAX % limit;
    loop {
        let number = u32::from_le_bytes(random::bytes());
        if number < fair {
            return (number % limit) as usize;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes() -> Wishes {
        Wishes { length: 32, each_kind: true, ..Wishes::default() }
    }

    #[test]
    fn every_kind_is_there() {
        for length in [4, 5, 32, 4096] {
            let password = Recipe::of(&Wishes { length, ..wishes() }).unwrap().password();
            let password = password.expose();
            assert_eq!(password.len(), length);
            for kind in [LOWERCASE, UPPERCASE, DIGITS, PUNCTUATION] {
                assert!(password.bytes().any(|byte| kind.contains(&byte)), "length {length}");
            }
        }
    }

    #[test]
    fn what_is_excluded_is_absent() {
        let wishes = Wishes {
            length: 2000,
            exclude: "abc0".to_owned(),
            no_punctuation: true,
            no_uppercase: true,
            space: true,
            ..wishes()
        };
        let password = Recipe::of(&wishes).unwrap().password();
        let allowed = b"defghijklmnopqrstuvwxyz123456789 ";
        assert!(password.expose().bytes().all(|byte| allowed.contains(&byte)));
        assert!(allowed.iter().all(|byte| password.expose().contains(char::from(*byte))));
    }

    #[test]
    fn wishes_that_cannot_be_met_are_refused() {
        let short = Recipe::of(&Wishes { length: 3, ..wishes() });
        assert_eq!(short.unwrap_err(), PasswordError::TooShort);
        let nothing = Wishes {
            no_lowercase: true,
            no_uppercase: true,
            no_digits: true,
            exclude: String::from_utf8(PUNCTUATION.to_vec()).unwrap(),
            ..wishes()
        };
        assert_eq!(Recipe::of(&nothing).unwrap_err(), PasswordError::NoCharacters);
    }
}
