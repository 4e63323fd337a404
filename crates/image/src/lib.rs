//! An OCI registry client: references, authentication, parallel pull, verification, unpacking, layer store, push.
