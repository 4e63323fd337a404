"""A network of this process's own, with nothing but loopback."""

import ctypes
import os
import subprocess

CLONE_NEWNET = 0x40000000
"""unshare(2)"""


def own():
    """Takes the calling thread, and what it starts from now on, into a new network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"cannot make a network namespace: {os.strerror(code)}")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
