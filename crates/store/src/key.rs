//! Keys as bytes whose order is the order of the values, so that a table can be scanned by the leading parts of a
//! tuple and continued behind a key.
//!
//! Integers are big-endian with the sign bit flipped. Texts end with `00 01`, and a zero byte inside is `00 FF`: a
//! text sorts before every longer text that begins with it, whatever follows in the tuple.

use std::str::FromStr;

use landfall_base::{AccountId, Arn, Region, Timestamp};

const END: [u8; 2] = [0x00, 0x01];
const ZERO: [u8; 2] = [0x00, 0xFF];

/// Collects the bytes of a key.
#[derive(Debug, Default)]
pub struct KeyWriter(Vec<u8>);

impl KeyWriter {
    fn fixed(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn open_text(&mut self, text: &str) {
        for byte in text.bytes() {
            if byte == 0 {
                self.0.extend_from_slice(&ZERO);
            } else {
                self.0.push(byte);
            }
        }
    }

    /// Appends a text.
    pub fn text(&mut self, text: &str) {
        self.open_text(text);
        self.0.extend_from_slice(&END);
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// Reads the parts of a key back, first to last.
#[derive(Debug)]
pub struct KeyReader<'a>(&'a [u8]);

impl<'a> KeyReader<'a> {
    fn fixed<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    /// The next part as a text; `None` when the bytes are not one.
    pub fn text(&mut self) -> Option<String> {
        let mut text = Vec::new();
        loop {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            if byte != 0 {
                text.push(byte);
                continue;
            }
            let (&mark, rest) = self.0.split_first()?;
            self.0 = rest;
            match mark {
                0x01 => return String::from_utf8(text).ok(),
                0xFF => text.push(0),
                _ => return None,
            }
        }
    }

    /// The next part as a text that `T` can be read from.
    pub fn parsed<T: FromStr>(&mut self) -> Option<T> {
        self.text()?.parse().ok()
    }
}

/// A whole key of a table whose key has the parts `K`, perhaps in borrowed form: `str` for `String`, `(&AccountId,
/// &str)` for `(AccountId, String)`.
pub trait KeyFor<K> {
    /// Appends the bytes of this key.
    fn write(&self, writer: &mut KeyWriter);
}

/// The leading parts of a key with the parts `K`. `()` is a prefix of every key; the last part of a tuple may be
/// [`Begins`].
pub trait PrefixOf<K> {
    /// Appends the bytes every matching key begins with.
    fn write_prefix(&self, writer: &mut KeyWriter);
}

/// A key that a table can own. Tuples of up to five parts are keys; a struct becomes one with
/// [`key_parts!`](crate::key_parts), a text-like type with [`text_key!`](crate::text_key).
pub trait Key: KeyFor<Self::Parts> + Sized {
    /// The tuple (or single value) whose bytes this key has. For everything but structs: `Self`.
    type Parts;

    /// Reads a key back; `None` when the bytes are not one.
    fn read(reader: &mut KeyReader<'_>) -> Option<Self>;
}

/// As the last part of a prefix: texts that begin with this text, for example `Begins("/prod/")`.
#[derive(Debug, Clone, Copy)]
pub struct Begins<'a>(pub &'a str);

impl PrefixOf<String> for Begins<'_> {
    fn write_prefix(&self, writer: &mut KeyWriter) {
        writer.open_text(self.0);
    }
}

impl<K> PrefixOf<K> for () {
    fn write_prefix(&self, _writer: &mut KeyWriter) {}
}

impl<K, T: KeyFor<K> + ?Sized> KeyFor<K> for &T {
    fn write(&self, writer: &mut KeyWriter) {
        (**self).write(writer);
    }
}

impl<K, T: PrefixOf<K> + ?Sized> PrefixOf<K> for &T {
    fn write_prefix(&self, writer: &mut KeyWriter) {
        (**self).write_prefix(writer);
    }
}

/// The bytes of a whole key.
pub(crate) fn encode<K>(key: &(impl KeyFor<K> + ?Sized)) -> Vec<u8> {
    let mut writer = KeyWriter::default();
    key.write(&mut writer);
    writer.into_bytes()
}

/// The bytes every key under a prefix begins with.
pub(crate) fn encode_prefix<K>(prefix: &(impl PrefixOf<K> + ?Sized)) -> Vec<u8> {
    let mut writer = KeyWriter::default();
    prefix.write_prefix(&mut writer);
    writer.into_bytes()
}

/// The bytes of a whole key, for keeping a row elsewhere than in a store.
pub fn key_bytes<K: Key>(key: &K) -> Vec<u8> {
    encode(key)
}

/// Reads back what [`key_bytes`] gave; `None` when it is no key of this type.
pub fn read_key<K: Key>(bytes: &[u8]) -> Option<K> {
    decode(bytes)
}

/// Reads a whole key; `None` when bytes are missing, left over or not of this type.
pub(crate) fn decode<K: Key>(bytes: &[u8]) -> Option<K> {
    let mut reader = KeyReader(bytes);
    let key = K::read(&mut reader)?;
    reader.0.is_empty().then_some(key)
}

/// Makes a type with `as_str()` and `FromStr` a key (or a part of one), ordered by its text.
#[macro_export]
macro_rules! text_key {
    ($($type:ty),+ $(,)?) => {$(
        impl $crate::KeyFor<$type> for $type {
            fn write(&self, writer: &mut $crate::KeyWriter) {
                writer.text(self.as_str());
            }
        }

        impl $crate::PrefixOf<$type> for $type {
            fn write_prefix(&self, writer: &mut $crate::KeyWriter) {
                writer.text(self.as_str());
            }
        }

        impl $crate::Key for $type {
            type Parts = $type;

            fn read(reader: &mut $crate::KeyReader<'_>) -> Option<Self> {
                reader.parsed()
            }
        }
    )+};
}

/// Makes a struct with named fields a key with the parts of the fields in the order given:
/// `key_parts!(SecretKey { account: AccountId, region: Region, name: String });` (two to five fields).
#[macro_export]
macro_rules! key_parts {
    ($name:ident { $($field:ident : $type:ty),+ $(,)? }) => {
        impl $crate::KeyFor<($($type,)+)> for $name {
            fn write(&self, writer: &mut $crate::KeyWriter) {
                $( $crate::KeyFor::<<$type as $crate::Key>::Parts>::write(&self.$field, writer); )+
            }
        }

        impl $crate::Key for $name {
            type Parts = ($($type,)+);

            fn read(reader: &mut $crate::KeyReader<'_>) -> Option<Self> {
                Some(Self { $( $field: <$type as $crate::Key>::read(reader)? ),+ })
            }
        }
    };
}

text_key!(AccountId, Region, Arn);

macro_rules! string_forms {
    ($($type:ty),+) => {$(
        impl KeyFor<String> for $type {
            fn write(&self, writer: &mut KeyWriter) {
                writer.text(self);
            }
        }

        impl PrefixOf<String> for $type {
            fn write_prefix(&self, writer: &mut KeyWriter) {
                writer.text(self);
            }
        }
    )+};
}

string_forms!(str, String, std::sync::Arc<str>);

impl Key for String {
    type Parts = String;

    fn read(reader: &mut KeyReader<'_>) -> Option<Self> {
        reader.text()
    }
}

macro_rules! integers {
    ($($type:ty => $flip:expr),+ $(,)?) => {$(
        impl KeyFor<$type> for $type {
            fn write(&self, writer: &mut KeyWriter) {
                writer.fixed(&(*self ^ $flip).to_be_bytes());
            }
        }

        impl PrefixOf<$type> for $type {
            fn write_prefix(&self, writer: &mut KeyWriter) {
                KeyFor::<$type>::write(self, writer);
            }
        }

        impl Key for $type {
            type Parts = $type;

            fn read(reader: &mut KeyReader<'_>) -> Option<Self> {
                Some(<$type>::from_be_bytes(reader.fixed()?) ^ $flip)
            }
        }
    )+};
}

integers!(u8 => 0, u16 => 0, u32 => 0, u64 => 0, i32 => i32::MIN, i64 => i64::MIN);

impl KeyFor<Timestamp> for Timestamp {
    fn write(&self, writer: &mut KeyWriter) {
        KeyFor::<i64>::write(&self.millis(), writer);
    }
}

impl PrefixOf<Timestamp> for Timestamp {
    fn write_prefix(&self, writer: &mut KeyWriter) {
        KeyFor::<Timestamp>::write(self, writer);
    }
}

impl Key for Timestamp {
    type Parts = Timestamp;

    fn read(reader: &mut KeyReader<'_>) -> Option<Self> {
        i64::read(reader).map(Timestamp::from_millis)
    }
}

macro_rules! tuple_key {
    ($($part:ident $form:ident $index:tt),+) => {
        impl<$($part: Key),+, $($form),+> KeyFor<($($part,)+)> for ($($form,)+)
        where
            $($form: KeyFor<$part::Parts>),+
        {
            fn write(&self, writer: &mut KeyWriter) {
                $( self.$index.write(writer); )+
            }
        }

        impl<$($part: Key),+> Key for ($($part,)+) {
            type Parts = ($($part,)+);

            fn read(reader: &mut KeyReader<'_>) -> Option<Self> {
                Some(($($part::read(reader)?,)+))
            }
        }
    };
}

tuple_key!(A A2 0);
tuple_key!(A A2 0, B B2 1);
tuple_key!(A A2 0, B B2 1, C C2 2);
tuple_key!(A A2 0, B B2 1, C C2 2, D D2 3);
tuple_key!(A A2 0, B B2 1, C C2 2, D D2 3, E E2 4);

macro_rules! tuple_prefix {
    ([$($part:ident $form:ident $index:tt),*] $last:ident $last_form:ident $last_index:tt [$($rest:ident),*]) => {
        impl<$($part: Key, $form,)* $last: Key, $last_form $(, $rest)*>
            PrefixOf<($($part,)* $last, $($rest,)*)> for ($($form,)* $last_form,)
        where
            $($form: KeyFor<$part::Parts>,)*
            $last_form: PrefixOf<$last::Parts>,
        {
            fn write_prefix(&self, writer: &mut KeyWriter) {
                $( self.$index.write(writer); )*
                self.$last_index.write_prefix(writer);
            }
        }
    };
}

tuple_prefix!([] A A2 0 []);
tuple_prefix!([] A A2 0 [B]);
tuple_prefix!([] A A2 0 [B, C]);
tuple_prefix!([] A A2 0 [B, C, D]);
tuple_prefix!([] A A2 0 [B, C, D, E]);
tuple_prefix!([A A2 0] B B2 1 []);
tuple_prefix!([A A2 0] B B2 1 [C]);
tuple_prefix!([A A2 0] B B2 1 [C, D]);
tuple_prefix!([A A2 0] B B2 1 [C, D, E]);
tuple_prefix!([A A2 0, B B2 1] C C2 2 []);
tuple_prefix!([A A2 0, B B2 1] C C2 2 [D]);
tuple_prefix!([A A2 0, B B2 1] C C2 2 [D, E]);
tuple_prefix!([A A2 0, B B2 1, C C2 2] D D2 3 []);
tuple_prefix!([A A2 0, B B2 1, C C2 2] D D2 3 [E]);
tuple_prefix!([A A2 0, B B2 1, C C2 2, D D2 3] E E2 4 []);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Named {
        account: AccountId,
        name: String,
    }

    key_parts!(Named { account: AccountId, name: String });

    fn starts(key: &[u8], prefix: &[u8]) -> bool {
        key.starts_with(prefix)
    }

    proptest! {
        #[test]
        fn byte_order_is_value_order(a: (String, i64, u32), b: (String, i64, u32)) {
            prop_assert_eq!(encode::<(String, i64, u32)>(&a).cmp(&encode::<(String, i64, u32)>(&b)), a.cmp(&b));
        }

        #[test]
        fn zero_bytes_keep_the_order(a in "[\0\u{1}a]{0,4}", b in "[\0\u{1}a]{0,4}", x: i32, y: i32) {
            let (a, b) = ((a, x), (b, y));
            prop_assert_eq!(encode::<(String, i32)>(&a).cmp(&encode::<(String, i32)>(&b)), a.cmp(&b));
        }

        #[test]
        fn keys_read_back(key: (String, i64, u8, (String, i32))) {
            type Nested = (String, i64, u8, (String, i32));
            prop_assert_eq!(decode::<Nested>(&encode::<Nested>(&key)), Some(key));
        }

        #[test]
        fn outside_bytes_do_not_panic(bytes: Vec<u8>) {
            let _ = decode::<(String, i64)>(&bytes);
            let _ = decode::<Named>(&bytes);
        }

        #[test]
        fn a_text_prefix_matches_what_starts_with_it(text in "[\0ab]{0,5}", begin in "[\0ab]{0,2}") {
            let key = encode::<(u8, String)>(&(1u8, &text));
            let prefix = encode_prefix::<(u8, String)>(&(1u8, Begins(&begin)));
            prop_assert_eq!(starts(&key, &prefix), text.starts_with(&begin));
        }
    }

    #[test]
    fn a_whole_part_does_not_match_longer_texts() {
        let key = encode::<(String, String)>(&("ab", "x"));
        assert!(!starts(&key, &encode_prefix::<(String, String)>(&("a",))));
        assert!(starts(&key, &encode_prefix::<(String, String)>(&("ab",))));
    }

    #[test]
    fn a_struct_has_the_bytes_of_its_parts() {
        let account: AccountId = "123456789012".parse().unwrap();
        let named = Named { account: account.clone(), name: "x".to_owned() };
        let bytes = encode::<(AccountId, String)>(&named);
        assert_eq!(bytes, encode::<(AccountId, String)>(&(&account, "x")));
        assert_eq!(decode::<Named>(&bytes), Some(named));
    }

    #[test]
    fn left_over_bytes_are_refused() {
        let mut bytes = encode::<u8>(&1u8);
        bytes.push(0);
        assert_eq!(decode::<u8>(&bytes), None);
    }
}
