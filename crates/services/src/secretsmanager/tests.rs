//! Through the whole pipe.
