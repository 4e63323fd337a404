//! The AWS services: one folder a service, one file an operation, and the pipe that every call goes through.
