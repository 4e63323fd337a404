//! The IAM policy language: parse, validate, evaluate, explain. Pure, without I/O.
