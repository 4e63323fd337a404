"""What tasks leave behind on the host: mounts, cgroups, network namespaces, interfaces, processes."""

import os
import socket
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def of(needles, ignore_processes=()):
    """Describes everything on the host that bears one of the names `needles` (task ids, a data directory)."""
    needles = [needle for needle in needles if needle]
    if not needles:
        return []
    return (
        [f"mount {line}" for line in _mounts() if _has(line, needles)]
        + [f"cgroup {path}" for path in _cgroups() if _has(path, needles)]
        + [f"network namespace {path}" for path in _named_namespaces() if _has(path, needles)]
        + [f"process {text}" for text in _processes(needles, set(ignore_processes))]
    )


def interfaces():
    """The host's ends of the pairs that lead into tasks."""
    return {name for _, name in socket.if_nameindex() if name.startswith(("veth", "lf"))}


def _has(text, needles):
    return any(needle in text for needle in needles)


def _mounts():
    return Path("/proc/self/mountinfo").read_text().splitlines()


def _cgroups():
    for directory, children, _ in os.walk(CGROUPS):
        for child in children:
            yield os.path.join(directory, child)


def _named_namespaces():
    for directory in ("/run/netns", "/var/run/netns", "/run/landfall"):
        root = Path(directory)
        if root.is_dir():
            yield from map(str, root.rglob("*"))


def _processes(needles, ignore):
    own = os.readlink("/proc/self/ns/mnt")
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in ignore | {os.getpid()}:
            continue
        if _is_ours(entry, needles, own):
            yield f"{entry.name}: {_read(entry / 'cmdline').replace(chr(0), ' ')}"


def _is_ours(entry, needles, own_mounts):
    if _has(_read(entry / "cmdline"), needles) or _has(_read(entry / "cgroup"), needles):
        return True
    try:
        elsewhere = os.readlink(entry / "ns/mnt") != own_mounts
        links = [os.readlink(entry / name) for name in ("cwd", "root")]
    except OSError:
        return False
    return _has("\n".join(links), needles) or (elsewhere and _has(_read(entry / "mountinfo"), needles))


def _read(path):
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
