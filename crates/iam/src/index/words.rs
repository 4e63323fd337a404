//! Hashes of all beginnings of a text, for the price of reading it once.
//!
//! An index asks for the hash of the first `n` bytes for many `n`. The text is read as words of eight bytes; the state
//! before each word is kept, so that each answer costs one multiplication.

const SEED: u64 = 0x243f_6a88_85a3_08d3;
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
const END: u64 = 0xc2b2_ae3d_27d4_eb4f;

/// The first `8 * N` bytes of a text. Longer texts are known by them and their length: the index only narrows the
/// choice, and every statement found through it is compared in full.
#[derive(Debug, Clone)]
pub(super) struct Words<const N: usize> {
    words: [u64; N],
    states: [u64; N],
    length: usize,
}

impl<const N: usize> Words<N> {
    /// The longest beginning that has a hash of its own.
    pub(super) const LONGEST: usize = 8 * N - 1;

    pub(super) fn new(text: &str) -> Self {
        Self::read(text, |word| word)
    }

    /// The same for every spelling that differs in the case of ASCII letters only.
    pub(super) fn folded(text: &str) -> Self {
        Self::read(text, |mut word| {
            word.make_ascii_lowercase();
            word
        })
    }

    fn read(text: &str, fold: impl Fn([u8; 8]) -> [u8; 8]) -> Self {
        let mut all = Self { words: [0; N], states: [SEED; N], length: text.len() };
        let (whole, rest) = text.as_bytes().as_chunks::<8>();
        let mut last = [0; 8];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        let mut state = SEED;
        let slots = all.words.iter_mut().zip(&mut all.states);
        for ((word, before), bytes) in slots.zip(whole.iter().copied().chain([last])) {
            *word = u64::from_le_bytes(fold(bytes));
            *before = state;
            state = mix(state ^ *word, STEP);
        }
        all
    }

    /// Length of the text in bytes.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Hash of the first `length` bytes, of at most [`LONGEST`](Self::LONGEST).
    pub(super) fn prefix(&self, length: usize) -> u64 {
        let (at, rest) = (length / 8, length % 8);
        let mask = (1 << (8 * rest)) - 1;
        match (self.states.get(at), self.words.get(at)) {
            (Some(state), Some(word)) => mix(state ^ (word & mask), END ^ length as u64),
            _ => 0,
        }
    }

    /// The last of the first `length` bytes; 0 where there is none.
    pub(super) fn last_byte(&self, length: usize) -> u8 {
        let Some(at) = length.checked_sub(1) else { return 0 };
        self.words.get(at / 8).and_then(|word| word.to_le_bytes().get(at % 8).copied()).unwrap_or_default()
    }

    /// Hash of the text as a whole.
    pub(super) fn whole(&self) -> u64 {
        mix(self.prefix(self.length.min(Self::LONGEST)), SEED ^ self.length as u64)
    }
}

/// Multiplies to 128 bits and folds them, so that every bit of the result depends on all bits of the arguments.
#[expect(clippy::cast_possible_truncation, reason = "the two halves are what is wanted")]
pub(super) fn mix(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    (product as u64) ^ ((product >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_has_one_hash_whatever_follows() {
        let text = "arn:aws:ecr:eu-central-1:111122223333:repository/app";
        let all = Words::<32>::new(text);
        for length in 0..=text.len() {
            let alone = Words::<32>::new(text.get(..length).unwrap());
            assert_eq!(all.prefix(length), alone.prefix(length), "{length}");
            assert_eq!(alone.whole() == all.whole(), length == text.len(), "{length}");
            assert!(length == 0 || all.prefix(length) != all.prefix(length - 1), "{length}");
            let last = text.as_bytes().get(..length).and_then(|it| it.last()).copied();
            assert_eq!(all.last_byte(length), last.unwrap_or_default(), "{length}");
        }
    }

    #[test]
    fn long_texts_are_known_by_their_beginning_and_length() {
        let (short, long) = ("a".repeat(100), "a".repeat(101));
        assert_ne!(Words::<2>::new(&short).whole(), Words::<2>::new(&long).whole());
        assert_eq!(Words::<2>::new(&short).prefix(15), Words::<2>::new(&long).prefix(15));
    }

    #[test]
    fn folding_is_for_ascii_case_only() {
        assert_eq!(Words::<8>::folded("ECR:GetÄ").whole(), Words::<8>::folded("ecr:getÄ").whole());
        assert_ne!(Words::<8>::folded("ecr:getä").whole(), Words::<8>::folded("ecr:getÄ").whole());
    }
}
