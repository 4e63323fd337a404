"""Builds small OCI and Docker images without Docker, and pushes them to a registry over plain HTTP."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import re
import subprocess
import tarfile
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field

import zstandard

BUSYBOX = "/bin/busybox"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def descriptor(media_type: str, data: bytes) -> dict:
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}


@dataclass
class Layer:
    """A layer as it travels (`data`) and the digest of its uncompressed archive (`diff_id`)."""

    data: bytes
    diff_id: str
    compression: str = "none"


@dataclass
class Image:
    """A manifest or index, the blobs that it names, and, for an index, its images."""

    media_type: str
    manifest: bytes
    blobs: dict[str, bytes] = field(default_factory=dict)
    children: list[Image] = field(default_factory=list)

    @property
    def digest(self) -> str:
        return digest_of(self.manifest)

    def everything(self) -> list[Image]:
        """This image after those that it names: the order in which they can be pushed."""
        return [inner for child in self.children for inner in child.everything()] + [self]


def entry(name: str, kind: bytes = tarfile.REGTYPE, **fields) -> tarfile.TarInfo:
    """A tar header; `fields` are attributes of `tarfile.TarInfo`."""
    info = tarfile.TarInfo(name)
    info.type = kind
    info.mode = 0o755
    for key, value in fields.items():
        setattr(info, key, value)
    return info


def archive(entries: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    """An uncompressed tar archive with exactly these entries, in this order."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, content in entries:
            if info.isreg():
                info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def files_archive(files: dict[str, str | bytes]) -> bytes:
    """An archive of regular files; parents are made."""
    parents = sorted({"/".join(name.split("/")[:depth]) for name in files for depth in range(1, name.count("/") + 1)})
    entries = [(entry(parent, tarfile.DIRTYPE), b"") for parent in parents]
    for name, content in files.items():
        entries.append((entry(name), content.encode() if isinstance(content, str) else content))
    return archive(entries)


def busybox_archive() -> bytes:
    """A root file system of a static busybox, its applets as links, and the files that a shell expects."""
    with open(BUSYBOX, "rb") as file:
        binary = file.read()
    applets = subprocess.run([BUSYBOX, "--list"], check=True, capture_output=True, text=True).stdout.split()
    entries = [(entry(name, tarfile.DIRTYPE), b"") for name in ("bin", "dev", "etc", "proc", "root", "run", "sys", "usr", "var")]
    entries.append((entry("tmp", tarfile.DIRTYPE, mode=0o1777), b""))
    entries.append((entry("usr/bin", tarfile.SYMTYPE, linkname="../bin"), b""))
    entries.append((entry("bin/busybox"), binary))
    for applet in applets:
        if applet != "busybox":
            entries.append((entry(f"bin/{applet}", tarfile.SYMTYPE, linkname="busybox"), b""))
    users = b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
    entries.append((entry("etc/passwd", mode=0o644), users))
    entries.append((entry("etc/group", mode=0o644), b"root:x:0:\nnobody:x:65534:\n"))
    return archive(entries)


def compress(data: bytes, compression: str) -> bytes:
    if compression == "gzip":
        return gzip.compress(data, compresslevel=1, mtime=0)
    if compression == "zstd":
        return zstandard.ZstdCompressor(level=3).compress(data)
    if compression == "none":
        return data
    raise ValueError(f"`{compression}` is not a compression: expected `gzip`, `zstd` or `none`")


def layer(tar: bytes, compression: str = "gzip") -> Layer:
    return Layer(compress(tar, compression), digest_of(tar), compression)


def _layer_type(compression: str, docker: bool) -> str:
    suffix = "" if compression == "none" else compression
    if docker:
        return DOCKER_LAYER + (f".{suffix}" if suffix else "")
    return OCI_LAYER + (f"+{suffix}" if suffix else "")


def build(
    layers: list[Layer] | None = None,
    *,
    entrypoint: list[str] | None = None,
    cmd: list[str] | None = None,
    env: list[str] | None = None,
    user: str = "",
    working_dir: str = "",
    labels: dict[str, str] | None = None,
    architecture: str = "amd64",
    os: str = "linux",
    variant: str = "",
    docker: bool = False,
    compression: str = "gzip",
) -> Image:
    """An image of `layers`, or of busybox (compressed as `compression`) if there are none."""
    layers = [layer(busybox_archive(), compression)] if layers is None else layers
    run = {"Env": env if env is not None else ["PATH=/bin:/usr/bin"], "User": user, "WorkingDir": working_dir}
    run |= {"Entrypoint": entrypoint, "Cmd": cmd, "Labels": labels}
    config = {
        "architecture": architecture,
        "os": os,
        "config": {key: value for key, value in run.items() if value},
        "rootfs": {"type": "layers", "diff_ids": [one.diff_id for one in layers]},
        "history": [{"created_by": "landfall tests"} for _ in layers],
    }
    if variant:
        config["variant"] = variant
    config_bytes = json.dumps(config).encode()
    return assemble(config_bytes, layers, docker=docker)


def assemble(config: bytes, layers: list[Layer], *, docker: bool = False) -> Image:
    """An image of a configuration and layers as they are."""
    media_type = DOCKER_MANIFEST if docker else OCI_MANIFEST
    manifest = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": descriptor(DOCKER_CONFIG if docker else OCI_CONFIG, config),
        "layers": [descriptor(_layer_type(one.compression, docker), one.data) for one in layers],
    }
    blobs = {digest_of(data): data for data in [config, *(one.data for one in layers)]}
    return Image(media_type, json.dumps(manifest).encode(), blobs)


def index(images: dict[str, Image], *, docker: bool = False) -> Image:
    """A multi-platform index; keys are `os/architecture` or `os/architecture/variant`."""
    entries = []
    for platform, image in images.items():
        names = dict(zip(("os", "architecture", "variant"), platform.split("/")))
        entries.append(descriptor(image.media_type, image.manifest) | {"platform": names})
    media_type = DOCKER_LIST if docker else OCI_INDEX
    document = {"schemaVersion": 2, "mediaType": media_type, "manifests": entries}
    return Image(media_type, json.dumps(document).encode(), children=list(images.values()))


class RegistryError(Exception):
    """A registry refused; `status` and `body` are its answer."""

    def __init__(self, status: int, body: bytes):
        super().__init__(f"the registry answered {status}: {body[:500]!r}")
        self.status = status
        self.body = body


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args, **kwargs):
        return None


class Client:
    """A registry client over plain HTTP; answers Basic and Bearer challenges."""

    def __init__(self, host: str, username: str | None = None, password: str | None = None):
        self.base = f"http://{host}"
        self.basic = None
        if username is not None:
            pair = base64.b64encode(f"{username}:{password}".encode()).decode()
            self.basic = f"Basic {pair}"
        self.tokens: dict[str, str] = {}
        handlers = [urllib.request.ProxyHandler({}), _NoRedirect()]
        self.opener = urllib.request.build_opener(*handlers)

    def request(self, method: str, path: str, data: bytes | None = None, headers: dict | None = None):
        """Returns `(status, headers, body)` of a success; raises `RegistryError` for everything else."""
        repository = self._repository(path)
        status, fields, body = self._send(method, path, data, headers, self.tokens.get(repository))
        if status == 401 and (authorization := self._answer(fields.get("WWW-Authenticate", ""))):
            self.tokens[repository] = authorization
            status, fields, body = self._send(method, path, data, headers, authorization)
        if not 200 <= status < 300:
            raise RegistryError(status, body)
        return status, fields, body

    def _send(self, method, path, data, headers, authorization):
        url = urllib.parse.urljoin(self.base, path)
        request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
        if authorization and url.startswith(self.base + "/"):
            request.add_header("Authorization", authorization)
        try:
            with self.opener.open(request, timeout=30) as response:
                return response.status, response.headers, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    @staticmethod
    def _repository(path: str) -> str:
        found = re.search(r"/v2/(.+?)/(?:blobs|manifests|tags|referrers)/", path)
        return found.group(1) if found else ""

    def _answer(self, challenge: str) -> str | None:
        scheme = challenge.split(" ", 1)[0].lower()
        if scheme == "basic":
            return self.basic
        if scheme == "bearer":
            return self._token(dict(re.findall(r'(\w+)="([^"]*)"', challenge)))
        return None

    def _token(self, challenge: dict[str, str]) -> str:
        wanted = {key: challenge[key] for key in ("service", "scope") if key in challenge}
        url = f"{challenge['realm']}?{urllib.parse.urlencode(wanted)}"
        request = urllib.request.Request(url, headers={"Authorization": self.basic} if self.basic else {})
        try:
            with self.opener.open(request, timeout=30) as response:
                return "Bearer " + json.load(response)["token"]
        except urllib.error.HTTPError as error:
            with error:
                raise RegistryError(error.code, error.read()) from None

    def push_blob(self, repository: str, data: bytes) -> str:
        digest = digest_of(data)
        try:
            self.request("HEAD", f"/v2/{repository}/blobs/{digest}")
            return digest
        except RegistryError as error:
            if error.status != 404:
                raise
        _, headers, _ = self.request("POST", f"/v2/{repository}/blobs/uploads/", b"")
        separator = "&" if "?" in headers["Location"] else "?"
        path = f"{headers['Location']}{separator}{urllib.parse.urlencode({'digest': digest})}"
        self.request("PUT", path, data, {"Content-Type": "application/octet-stream"})
        return digest

    def push(self, image: Image, repository: str, tag: str) -> str:
        """Pushes an image, or an index and its images; returns the digest."""
        for one in image.everything():
            for data in one.blobs.values():
                self.push_blob(repository, data)
            reference = tag if one is image else one.digest
            headers = {"Content-Type": one.media_type}
            self.request("PUT", f"/v2/{repository}/manifests/{reference}", one.manifest, headers)
        return image.digest


def push(image: Image, host: str, repository: str, tag: str = "latest", username=None, password=None) -> str:
    """Pushes `image` to `host/repository:tag`; returns its digest."""
    return Client(host, username, password).push(image, repository, tag)
