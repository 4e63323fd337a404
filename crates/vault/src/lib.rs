//! Envelope encryption: root key, data keys, sealed values.
