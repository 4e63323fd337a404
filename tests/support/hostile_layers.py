"""Layers that a careful unpacker refuses or contains."""

from __future__ import annotations

import io
import struct
import tarfile
import zlib

from .images import Layer, archive, digest_of, entry, layer

SEGMENT = 64 << 20


def parent_escape(target: str = "../../../../tmp/landfall-escaped", content: bytes = b"escaped") -> Layer:
    """A file whose name climbs out of the root."""
    return layer(archive([(entry(target), content)]))


def absolute_name(target: str = "/tmp/landfall-escaped", content: bytes = b"escaped") -> Layer:
    """A file with an absolute name."""
    return layer(archive([(entry(target), content)]))


def symlink_escape(directory: str = "/tmp", name: str = "landfall-escaped", content: bytes = b"escaped") -> Layer:
    """A link to an absolute directory, then a file written through it."""
    link = entry("out", tarfile.SYMTYPE, linkname=directory)
    return layer(archive([(link, b""), (entry(f"out/{name}"), content)]))


def symlink_then_layer(directory: str = "/tmp", name: str = "landfall-escaped", content: bytes = b"escaped") -> list[Layer]:
    """The same in two layers: the link below, the file above."""
    link = entry("out", tarfile.SYMTYPE, linkname=directory)
    return [layer(archive([(link, b"")])), layer(archive([(entry(f"out/{name}"), content)]))]


def hardlink_escape(target: str = "../../../../etc/passwd") -> Layer:
    """A hard link to a file outside of the root."""
    return layer(archive([(entry("stolen", tarfile.LNKTYPE, linkname=target), b"")]))


def devices() -> Layer:
    """A block device, a character device and a FIFO."""
    nodes = [
        entry("sda", tarfile.BLKTYPE, devmajor=8, devminor=0),
        entry("mem", tarfile.CHRTYPE, devmajor=1, devminor=1),
        entry("fifo", tarfile.FIFOTYPE),
    ]
    return layer(archive([(node, b"") for node in nodes]))


def setuid() -> Layer:
    """A file with the set-user-id and set-group-id bits."""
    return layer(archive([(entry("bin/suid", mode=0o6755), b"#!/bin/sh\nid\n")]))


def whiteout(*names: str) -> Layer:
    """Removes `names` of the layers below; `dir/` removes everything within `dir`."""
    entries = []
    for name in names:
        parent, _, last = name.rpartition("/")
        mark = f"{parent}/.wh." if parent else ".wh."
        entries.append((entry(mark + (last or ".wh..opq"), mode=0o644), b""))
    return layer(archive(entries))


def whiteout_escape(name: str = "../../../../tmp/landfall-victim") -> Layer:
    """A whiteout whose name climbs out of the root."""
    return whiteout(name)


def not_an_archive() -> Layer:
    """Well-compressed bytes that are no tar archive."""
    return layer(b"this is not a tar archive\n" * 100)


def lying_diff_id(one: Layer) -> Layer:
    """The same layer under another uncompressed digest."""
    return Layer(one.data, digest_of(b"something else"), one.compression)


def zeros(size: int = 10 << 30, name: str = "zeros") -> Layer:
    """A file of `size` zero bytes (a multiple of 64 MiB) in one gzip stream a thousandth as long.

    The uncompressed digest is not the true one: computing it would take longer than any reader should go on reading.
    """
    if size % SEGMENT:
        raise ValueError(f"`{size}` is not a multiple of {SEGMENT}")
    header = entry(name, size=size).tobuf(format=tarfile.PAX_FORMAT)
    trailer = bytes(1024)
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    out = io.BytesIO()
    out.write(b"\x1f\x8b\x08\x00" + bytes(6))
    out.write(packer.compress(header) + packer.flush(zlib.Z_FULL_FLUSH))
    # After a full flush a segment does not look back, so that one can stand for all.
    segment = packer.compress(bytes(SEGMENT)) + packer.flush(zlib.Z_FULL_FLUSH)
    for _ in range(size // SEGMENT):
        out.write(segment)
    out.write(packer.compress(trailer) + packer.flush(zlib.Z_FINISH))
    checksum = _crc_of_zeros(zlib.crc32(header), size // SEGMENT)
    checksum = zlib.crc32(trailer, checksum)
    out.write(struct.pack("<II", checksum, (len(header) + size + len(trailer)) & 0xFFFFFFFF))
    return Layer(out.getvalue(), digest_of(b"zeros"), "gzip")


def _crc_of_zeros(checksum: int, segments: int) -> int:
    """CRC-32 after `segments` times 64 MiB of zeros: an affine map over bits, applied segment by segment."""
    zero = zlib.crc32(bytes(SEGMENT), 0)
    columns = [zlib.crc32(bytes(SEGMENT), 1 << bit) ^ zero for bit in range(32)] if segments > 32 else None
    for _ in range(segments):
        if columns is None:
            checksum = zlib.crc32(bytes(SEGMENT), checksum)
            continue
        mapped = zero
        for bit, column in enumerate(columns):
            if checksum >> bit & 1:
                mapped ^= column
        checksum = mapped
    return checksum
