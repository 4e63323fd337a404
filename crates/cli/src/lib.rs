//! The landfall commands, one file each.
