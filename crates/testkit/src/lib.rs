//! The whole product in one process for tests.
