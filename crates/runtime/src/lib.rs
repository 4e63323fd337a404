//! Containers on this host: root filesystems, namespaces, cgroups, networks, stdio and the shim that outlives the server.
