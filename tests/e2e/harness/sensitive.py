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
            content = path.read_bytes()
        except OSError:
            continue
        found += [(str(path), needle.decode()) for needle in needles if needle in content]
    return found
