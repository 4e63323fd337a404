//! An OCI distribution server over two traits: who may, and what is there.
