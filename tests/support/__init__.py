"""What the end-to-end tests share: images made without Docker, registries that behave and registries that do not."""
