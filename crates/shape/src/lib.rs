//! The vocabulary that generated API code is written in.
//!
//! A call's input arrives as bytes, becomes a [`Value`] under the guidance of a [`Schema`], is checked against the
//! schema's constraints, and becomes a typed structure through [`Shape`]. The way out is the same in reverse. Codecs
//! know values and schemas; handlers know types; only this crate knows both.

mod open_enum;
mod operation;
mod pattern;
mod schema;
mod shape;
mod value;

pub use operation::{Operation, OperationSchema, Paginator, Protocol, ServiceError, ServiceSchema};
pub use pattern::regex_of_pattern;
pub use schema::{Kind, Member, Schema, TimestampFormat};
pub use shape::{Blob, Entries, Shape, ShapeError};
pub use value::{Structure, Value};
