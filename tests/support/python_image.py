"""An image with this machine's Python and boto3, for programs in containers that speak to the server as real ones do."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from . import images

#: What boto3 consists of, without the descriptions of most services.
PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six.py")
SERVICES = ("secretsmanager", "sts")
LEFT_OUT = ("__pycache__", "test", "tests", "idlelib", "ensurepip", "site-packages", "tkinter", "lib2to3", "turtledemo")


def python() -> str:
    """The interpreter, on this machine and in the image."""
    return os.path.realpath(sys.executable)


def _tree(root: Path, wanted=lambda path: True):
    for directory, names, files in os.walk(root):
        names[:] = [name for name in names if name not in LEFT_OUT and wanted(Path(directory) / name)]
        for name in files:
            path = Path(directory) / name
            if path.suffix not in (".a", ".pyc") and wanted(path):
                yield path


def _boto_data(path: Path) -> bool:
    """Descriptions of services are most of botocore."""
    parts = path.parts
    if "data" not in parts or "botocore" not in parts:
        return True
    below = parts[parts.index("data") + 1 :]
    return not below or below[0] in SERVICES or (len(below) == 1 and path.is_file())


def _libraries(programs) -> set[str]:
    done = subprocess.run(["ldd", *map(str, programs)], capture_output=True, text=True)
    found = {word for line in done.stdout.splitlines() for word in line.split() if word.startswith("/")}
    return {word.rstrip(":") for word in found if not word.endswith(":")}


def layers(files: dict[str, str]):
    """Layers of an image in which `python()` runs with boto3, and `files`."""
    standard, packages = Path(sysconfig.get_path("stdlib")), Path(sysconfig.get_path("purelib"))
    everything = list(_tree(standard))
    for name in PACKAGES:
        path = packages / name
        everything += [path] if path.is_file() else _tree(path, _boto_data)
    modules = [path for path in everything if path.suffix == ".so"]
    everything += [Path(python()), *map(Path, _libraries([python(), *modules]))]
    contents = {str(path).lstrip("/"): path.read_bytes() for path in everything if path.is_file()}
    base = images.layer(images.busybox_archive())
    return [base, images.layer(images.files_archive(contents)), images.layer(images.files_archive(files))]


def environment() -> list[str]:
    """Variables with which boto3 is found."""
    return ["PATH=/bin", f"PYTHONPATH={sysconfig.get_path('purelib')}"]
