"""A registry on 127.0.0.1 that misbehaves on request, and records what it was asked.

    with HostileRegistry(mode="denied") as registry:
        pull(f"{registry.host}/app:latest")
        assert registry.requests_with_credentials()

A repository whose name is a mode misbehaves in that mode, whatever the registry's own: `host/truncated-layer:latest`.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from . import images
from .images import Image

#: What each mode does to requests for manifests and blobs. `ok` behaves.
MODES = {
    "ok": "behaves; asks for Basic credentials if it was given some",
    "unauthorized": "401 with a Basic challenge, whatever the credentials",
    "unauthorized-without-challenge": "401 without WWW-Authenticate",
    "not-found": "404 MANIFEST_UNKNOWN",
    "rate-limit": "429 with Retry-After, always",
    "rate-limit-once": "429 with Retry-After: 1 on the first request for a manifest, then behaves",
    "server-error": "500",
    "server-error-once": "500 on the first request for a manifest, then behaves",
    "html": "200 with an HTML page in place of a manifest",
    "lying-manifest-digest": "a manifest whose Docker-Content-Digest is another's",
    "lying-layer": "a layer of the right size and other bytes",
    "wrong-platform": "an index with images for linux/s390x only",
    "wrong-platform-config": "an image whose configuration says linux/s390x",
    "truncated-layer": "half of a layer, then the connection is closed",
    "hang": "reads the request for a manifest and never answers",
    "hang-layer": "half of a layer, then silence",
    "gated-layer": "half of a layer, and the rest after `let_go()`",
    "slow-layer": "a layer in pieces, half a second apart, for eight seconds",
    "denied": "403 DENIED",
    "denied-layer": "403 DENIED for layers",
    "redirect-layer": "307 of layers to another address; set `redirect_to`",
    "endless-manifest": "a manifest that does not end",
    "looping-index": "an index that names itself as its only image",
}


@dataclass(frozen=True)
class Recorded:
    """One request."""

    method: str
    path: str
    authorized: bool
    authorization: str | None
    user_agent: str | None
    range: str | None = None


class HostileRegistry:
    """Serves images in one of `MODES`; use it as a context manager."""

    def __init__(
        self,
        mode: str = "ok",
        *,
        username: str | None = None,
        password: str | None = None,
        image: Image | None = None,
        retry_after: int = 1,
        redirect_to: str | None = None,
    ):
        self._check(mode)
        self.mode = mode
        self.username = username
        self.password = password
        self.retry_after = retry_after
        self.redirect_to = redirect_to
        self.requests: list[Recorded] = []
        self.modes: dict[str, str] = {}
        self._default = image
        self._images: dict[tuple[str, str], Image] = {}
        self._blobs: dict[str, bytes] = {}
        self._manifests: dict[str, Image] = {}
        self._seen: set[tuple[str, str]] = set()
        self.layer_bytes = 0
        #: Digests of blobs that it no longer has.
        self.lost: set[str] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._gate = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.registry = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @staticmethod
    def _check(mode: str) -> None:
        if mode not in MODES:
            raise ValueError(f"`{mode}` is not a mode: expected one of {', '.join(MODES)}")

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> HostileRegistry:
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def add(self, image: Image, repository: str, tag: str = "latest") -> str:
        """Serves `image` under a name; returns its digest. Other names get the default image."""
        with self._lock:
            self._keep(image)
            self._images[repository, tag] = image
        return image.digest

    def let_go(self) -> None:
        """Lets the second halves of gated layers go, from now on."""
        self._gate.set()

    def last_layer(self) -> str:
        """The digest of the last layer of the default image."""
        return json.loads(self._default_image("ok").manifest)["layers"][-1]["digest"]

    def set_mode(self, repository: str, mode: str) -> None:
        """Lets one repository misbehave."""
        self._check(mode)
        self.modes[repository] = mode

    def mode_of(self, repository: str) -> str:
        return self.modes.get(repository) or (repository if repository in MODES else self.mode)

    def requests_for(self, part: str) -> list[Recorded]:
        """Recorded requests whose path holds `part`."""
        with self._lock:
            return [one for one in self.requests if part in one.path]

    def requests_with_credentials(self) -> list[Recorded]:
        with self._lock:
            return [one for one in self.requests if one.authorized]

    def _keep(self, image: Image) -> None:
        for one in image.everything():
            self._manifests[one.digest] = one
            self._blobs.update(one.blobs)

    def _record(self, request: Recorded) -> None:
        with self._lock:
            self.requests.append(request)

    def _first_time(self, *key: str) -> bool:
        with self._lock:
            first = key not in self._seen
            self._seen.add(key)
            return first

    def _image(self, repository: str, reference: str, mode: str) -> Image | None:
        with self._lock:
            if reference.startswith("sha256:"):
                return self._manifests.get(reference)
            found = self._images.get((repository, reference)) or self._default_image(mode)
            self._keep(found)
            return found

    def _default_image(self, mode: str) -> Image:
        if mode == "wrong-platform":
            return images.index({"linux/s390x": images.build(architecture="s390x")})
        if mode == "wrong-platform-config":
            return images.build(architecture="s390x")
        if self._default is None:
            self._default = images.build()
        return self._default

    def _expected_authorization(self) -> str | None:
        if self.username is None:
            return None
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    registry: HostileRegistry

    def handle_error(self, request, client_address):
        """Clients hang up on a registry like this one; that is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_):
        pass

    def do_GET(self):
        self._serve()

    def do_HEAD(self):
        self._serve()

    def _serve(self):
        registry = self.server.registry
        authorization = self.headers.get("Authorization")
        agent = self.headers.get("User-Agent")
        wanted = self.headers.get("Range")
        registry._record(Recorded(self.command, self.path, authorization is not None, authorization, agent, wanted))
        path = self.path.split("?", 1)[0]
        if path in ("/v2", "/v2/"):
            self._ping(registry, authorization)
        elif found := re.fullmatch(r"/v2/(.+)/(manifests|blobs)/([^/]+)", path):
            self._content(registry, authorization, *found.groups())
        else:
            self._error(404, "UNSUPPORTED", "there is nothing here")

    def _ping(self, registry: HostileRegistry, authorization: str | None):
        if registry.mode == "unauthorized-without-challenge":
            return self._error(401, "UNAUTHORIZED", "authentication required")
        if self._refused(registry, authorization, registry.mode):
            return None
        return self._reply(200, b"{}", "application/json")

    def _refused(self, registry: HostileRegistry, authorization: str | None, mode: str) -> bool:
        expected = registry._expected_authorization()
        if mode != "unauthorized" and expected in (None, authorization):
            return False
        challenge = {"WWW-Authenticate": 'Basic realm="hostile"'}
        self._error(401, "UNAUTHORIZED", "authentication required", challenge)
        return True

    def _content(self, registry, authorization, repository, kind, reference):
        mode = registry.mode_of(repository)
        if mode == "unauthorized-without-challenge":
            return self._error(401, "UNAUTHORIZED", "authentication required")
        if self._refused(registry, authorization, mode):
            return None
        if kind == "manifests":
            return self._manifest(registry, mode, repository, reference)
        return self._blob(registry, mode, reference)

    def _manifest(self, registry: HostileRegistry, mode: str, repository: str, reference: str):
        if self._manifest_fails(registry, mode, repository):
            return None
        image = registry._image(repository, reference, mode)
        if image is None:
            return self._error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        if mode == "looping-index":
            return self._looping_index(reference)
        digest = images.digest_of(b"lie") if mode == "lying-manifest-digest" else image.digest
        return self._reply(200, image.manifest, image.media_type, {"Docker-Content-Digest": digest})

    def _manifest_fails(self, registry: HostileRegistry, mode: str, repository: str) -> bool:
        retry = {"Retry-After": str(registry.retry_after)}
        once = mode.endswith("-once") and registry._first_time(repository, mode)
        if mode == "denied":
            self._error(403, "DENIED", "requested access to the resource is denied")
        elif mode == "not-found":
            self._error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        elif mode == "rate-limit" or (mode == "rate-limit-once" and once):
            self._error(429, "TOOMANYREQUESTS", "you have reached your pull rate limit", retry)
        elif mode == "server-error" or (mode == "server-error-once" and once):
            self._error(500, "UNKNOWN", "internal server error")
        elif mode == "html":
            self._reply(200, b"<!DOCTYPE html><html><body>Welcome</body></html>", "text/html; charset=utf-8")
        elif mode == "hang":
            self._hang(registry)
        elif mode == "endless-manifest":
            self._endless(registry)
        else:
            return False
        return True

    def _looping_index(self, reference: str):
        """Content cannot name its own digest, so the loop promises one digest and serves under it whatever is asked."""
        promised = reference if reference.startswith("sha256:") else images.digest_of(b"loop")
        entry = {"mediaType": images.OCI_INDEX, "digest": promised, "size": 100}
        entry["platform"] = {"os": "linux", "architecture": "amd64"}
        document = {"schemaVersion": 2, "mediaType": images.OCI_INDEX, "manifests": [entry]}
        return self._reply(200, json.dumps(document).encode(), images.OCI_INDEX, {"Docker-Content-Digest": promised})

    def _blob(self, registry: HostileRegistry, mode: str, digest: str):
        with registry._lock:
            data = registry._blobs.get(digest)
        if data is None or digest in registry.lost:
            return self._error(404, "BLOB_UNKNOWN", "blob unknown to registry")
        is_layer = not data.startswith(b"{")
        headers = {"Docker-Content-Digest": digest}
        if is_layer and mode == "denied-layer":
            return self._error(403, "DENIED", "requested access to the resource is denied")
        if is_layer and mode == "redirect-layer" and registry.redirect_to:
            return self._reply(307, b"", "text/plain", {"Location": f"{registry.redirect_to}/{digest}"})
        if is_layer and mode == "lying-layer":
            data = data[:-1] + bytes([data[-1] ^ 1])
        if is_layer and mode in ("gated-layer", "slow-layer"):
            return self._slowly(registry, data, headers, gated=mode == "gated-layer")
        if is_layer and mode in ("truncated-layer", "hang-layer"):
            return self._half(registry, data, headers, hang=mode == "hang-layer")
        status, data, headers = self._ranged(data, headers)
        if is_layer:
            with registry._lock:
                registry.layer_bytes += len(data)
        return self._reply(status, data, "application/octet-stream", headers)

    def _ranged(self, data: bytes, headers: dict) -> tuple[int, bytes, dict]:
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not found or int(found[1]) >= len(data):
            return 200, data, headers
        start, end = int(found[1]), min(int(found[2] or len(data) - 1), len(data) - 1)
        return 206, data[start : end + 1], headers | {"Content-Range": f"bytes {start}-{end}/{len(data)}"}

    def _half(self, registry: HostileRegistry, data: bytes, headers: dict, *, hang: bool):
        self._head(200, "application/octet-stream", len(data), headers)
        if self.command != "HEAD":
            self.wfile.write(data[: len(data) // 2])
            self.wfile.flush()
            if hang:
                self._hang(registry)
        self.close_connection = True

    def _slowly(self, registry: HostileRegistry, data: bytes, headers: dict, *, gated: bool):
        self._head(200, "application/octet-stream", len(data), headers)
        pieces = 2 if gated else 17
        step = -(-len(data) // pieces)
        for number in range(0 if self.command == "HEAD" else pieces):
            if number:
                registry._gate.wait(60) if gated else registry._closing.wait(0.5)
            self.wfile.write(data[number * step : (number + 1) * step])
            self.wfile.flush()

    def _hang(self, registry: HostileRegistry):
        registry._closing.wait()
        self.close_connection = True

    def _endless(self, registry: HostileRegistry):
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", images.OCI_MANIFEST)
        self.send_header("Connection", "close")
        self.end_headers()
        while self.command != "HEAD" and not registry._closing.is_set():
            self.wfile.write(b" " * 65536)

    def _error(self, status: int, code: str, message: str, headers: dict | None = None):
        body = json.dumps({"errors": [{"code": code, "message": message, "detail": None}]}).encode()
        self._reply(status, body, "application/json", headers)

    def _reply(self, status: int, body: bytes, content_type: str, headers: dict | None = None):
        self._head(status, content_type, len(body), headers)
        if self.command != "HEAD":
            self.wfile.write(body)

    def _head(self, status: int, content_type: str, length: int, headers: dict | None = None):
        self.send_response(status)
        fields = {"Content-Type": content_type, "Content-Length": str(length)}
        fields["Docker-Distribution-Api-Version"] = "registry/2.0"
        for name, value in (fields | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
