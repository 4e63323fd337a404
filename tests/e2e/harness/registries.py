"""Registries as the tests use them: images by kind, pushed when first asked for; and registries that misbehave."""

import os
from contextlib import contextmanager

from harness import sensitive
from support import images
from support.docker_registry import HtpasswdRegistry, TokenRegistry
from support.hostile_registry import HostileRegistry


class Registry:
    """A private registry that runs, and the images in it."""

    def __init__(self, host, username, password):
        self.host = host
        self.username = username
        self.password = password
        self._digests = {}

    def image(self, kind="oci"):
        """The reference of a small busybox image of the given kind."""
        reference = f"{self.host}/team/app:{kind}"
        if reference not in self._digests:
            self.push(BUILDERS[kind](), "team/app", kind)
        return reference

    def push(self, image, repository, tag="latest"):
        """Pushes an image; returns its reference."""
        digest = images.push(image, self.host, repository, tag, self.username, self.password)
        reference = f"{self.host}/{repository}:{tag}"
        self._digests[reference] = digest
        return reference

    def digest(self, reference):
        """The digest under which a reference was pushed."""
        return self._digests[reference]


def with_files(files, **settings):
    """Busybox and one more layer with `files`."""
    base = images.layer(images.busybox_archive())
    return images.build([base, images.layer(images.files_archive(files))], **settings)


def _index():
    good = images.build()
    wrong = images.build([images.layer(images.files_archive({"bin/sh": "for another machine"}))], architecture="s390x")
    return images.index({"linux/s390x": wrong, "linux/amd64": good, "linux/arm64": good})


def _many_layers():
    base = [images.layer(images.busybox_archive())]
    more = [images.layer(images.files_archive({f"layer-{i}": str(i) * 1000})) for i in range(9)]
    return images.build(base + more)


BUILDERS = {
    "oci": images.build,
    "docker": lambda: images.build(docker=True),
    "index": _index,
    "zstd": lambda: images.build(compression="zstd"),
    "layers": _many_layers,
}


def fresh(*layers):
    """An image with a layer that no server can have yet, so that it has to be pulled."""
    base = images.layer(images.busybox_archive())
    unique = images.layer(images.files_archive({"fresh": os.urandom(300_000)}))
    return images.build([base, unique, *layers])


@contextmanager
def basic():
    """Debian's registry with htpasswd."""
    with HtpasswdRegistry("alice", sensitive.password()) as running:
        yield Registry(running.host, running.username, running.password)


@contextmanager
def bearer():
    """Debian's registry that sends clients to a token service."""
    with TokenRegistry("bob", sensitive.password()) as running:
        yield Registry(running.host, running.username, running.password)


class Hostile(HostileRegistry):
    """A registry with password that misbehaves, with an image that is new to every server."""

    def __init__(self, mode, image=None, **options):
        super().__init__(mode, username="mallory", password=sensitive.password(), image=image or fresh(), **options)

    @property
    def reference(self):
        return f"{self.host}/team/app:latest"
