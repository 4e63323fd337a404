"""Secrets that the tests made up, so that the harness can look for them where they must not be."""

import secrets
import string
from pathlib import Path

KNOWN = set()


def password():
    """A random password that no log and no file of the server may contain."""
    alphabet = string.ascii_letters + string.digits
    return remember("Pw0" + "".join(secrets.choice(alphabet) for _ in range(24)))


def remember(text):
    """Puts `text` on the list of what must not be found."""
    KNOWN.add(text)
    return text


def files_with_secrets(directory):
    """Pairs of file and secret, for each file below `directory` that holds a known secret."""
    needles = [text.encode() for text in KNOWN]
    found = []
    for path in Path(directory).rglob("*"):
        if path.is_symlink() or not path.is_file():
            continue
        try:
            hits = _hits(path, needles)
        except OSError:
            continue
        found += [(str(path), needle.decode()) for needle in hits]
    return found


def _hits(path, needles):
    """The needles that a file holds. Reads it piece by piece: a layer that went wrong may be very large."""
    overlap = max(map(len, needles), default=1)
    hits, tail = set(), b""
    with path.open("rb") as file:
        while piece := file.read(1 << 22):
            content = tail + piece
            hits |= {needle for needle in needles if needle in content}
            tail = content[-overlap:]
    return hits
