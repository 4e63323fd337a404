//! Enumerations that a newer client or server may extend.

/// Declares enumerations with one variant per value that the model lists, and `Unknown` for any other. The default is
/// an empty `Unknown`.
///
/// ```
/// landfall_shape::open_enum! {
///     LaunchType { Ec2 = "EC2", Fargate = "FARGATE" }
/// }
/// assert_eq!(LaunchType::from("FARGATE"), LaunchType::Fargate);
/// assert_eq!(LaunchType::from("MOON").as_str(), "MOON");
/// ```
#[macro_export]
macro_rules! open_enum {
    ($($name:ident { $($variant:ident = $text:literal),* $(,)? })*) => {$(
        #[doc = concat!("`", stringify!($name), "`: one of [`Self::VALUES`], or a value newer than the model.")]
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`")] $variant,)*
            /// A value that the model does not list.
            Unknown(String),
        }

        impl $name {
            /// The values that the model lists, in its order.
            pub const VALUES: &'static [&'static str] = &[$($text),*];

            /// The value as the model writes it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Unknown(text) => text,
                }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::Unknown(String::new())
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)*
                    _ => Self::Unknown(text.to_owned()),
                }
            }
        }

        impl $crate::Shape for $name {
            fn from_value(value: $crate::Value) -> Result<Self, $crate::ShapeError> {
                match value {
                    $crate::Value::String(text) => Ok(Self::from(text.as_str())),
                    _ => Err($crate::ShapeError::Kind { expected: "a string" }),
                }
            }

            fn into_value(self) -> $crate::Value {
                $crate::Value::String(self.as_str().to_owned())
            }
        }
    )*};
}

#[cfg(test)]
#[expect(unreachable_pub, reason = "the macro declares public types")]
mod tests {
    use crate::{Shape, Value};

    open_enum! {
        Compatibility { Ec2 = "EC2", Fargate = "FARGATE" }
    }

    #[test]
    fn known_values_read_back() {
        for text in Compatibility::VALUES {
            assert_eq!(Compatibility::from(*text).as_str(), *text);
            assert!(!matches!(Compatibility::from(*text), Compatibility::Unknown(_)));
        }
    }

    #[test]
    fn an_unlisted_value_survives() {
        let value = Compatibility::from_value(Value::String("MOON".into()));
        assert_eq!(value, Ok(Compatibility::Unknown("MOON".into())));
        assert_eq!(Compatibility::from("MOON").into_value(), Value::String("MOON".into()));
    }

    #[test]
    fn a_number_is_refused() {
        assert!(Compatibility::from_value(Value::Integer(1)).is_err());
    }
}
