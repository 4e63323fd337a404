"""Debian's docker-registry on 127.0.0.1, with htpasswd or with Bearer tokens from a small token server.

    with HtpasswdRegistry() as registry:
        images.push(images.build(), registry.host, "team/app", "v1", registry.username, registry.password)
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import bcrypt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

BINARY = "docker-registry"
ISSUER = "landfall-tests"
SERVICE = "landfall-tests-registry"


def available() -> bool:
    return shutil.which(BINARY) is not None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def htpasswd_line(username: str, password: str) -> str:
    return f"{username}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()}\n"


class DockerRegistry:
    """The process and its directory. Subclasses say how it authenticates."""

    def __init__(self, username: str = "alice", password: str = "correct horse"):
        self.username = username
        self.password = password
        self.port = free_port()
        self.directory = Path(tempfile.mkdtemp(prefix="landfall-docker-registry-"))
        self.process: subprocess.Popen | None = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text(errors="replace")

    def auth(self) -> dict:
        """The `auth` section of the configuration; empty for none."""
        return {}

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        shutil.rmtree(self.directory, ignore_errors=True)

    def _start(self) -> None:
        configuration = self.directory / "config.json"
        configuration.write_text(json.dumps(self._configuration()))
        environment = {key: value for key, value in os.environ.items() if not key.startswith("REGISTRY_")}
        with open(self.directory / "log", "wb") as log:
            command = [BINARY, "serve", str(configuration)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        self._wait()

    def _configuration(self) -> dict:
        # JSON is YAML.
        configuration = {
            "version": "0.1",
            "log": {"level": "info"},
            "storage": {"filesystem": {"rootdirectory": str(self.directory / "data")}, "delete": {"enabled": True}},
            "http": {"addr": self.host, "secret": secrets.token_hex(16)},
        }
        if auth := self.auth():
            configuration["auth"] = auth
        return configuration

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"{BINARY} ended with {self.process.returncode}:\n{self.log}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError(f"{BINARY} does not listen:\n{self.log}")


class AnonymousRegistry(DockerRegistry):
    """Lets everybody in."""


class HtpasswdRegistry(DockerRegistry):
    """Basic authentication."""

    def auth(self) -> dict:
        path = self.directory / "htpasswd"
        path.write_text(htpasswd_line(self.username, self.password))
        return {"htpasswd": {"realm": "landfall-tests", "path": str(path)}}


class TokenRegistry(DockerRegistry):
    """Bearer authentication with a token server of its own; `token_server.requests` records what it was asked."""

    def __init__(self, username: str = "alice", password: str = "correct horse"):
        super().__init__(username, password)
        self.token_server = TokenServer({username: password})

    def auth(self) -> dict:
        bundle = self.directory / "bundle.pem"
        bundle.write_bytes(self.token_server.keys.certificate_pem)
        realm = f"http://{self.token_server.host}/token"
        return {"token": {"realm": realm, "service": SERVICE, "issuer": ISSUER, "rootcertbundle": str(bundle)}}

    def __enter__(self):
        self.token_server.start()
        return super().__enter__()

    def __exit__(self, *_) -> None:
        self.token_server.stop()
        super().__exit__()


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class SigningKeys:
    """An RSA key and its self-signed certificate."""

    def __init__(self):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ISSUER)])
        now = datetime.datetime.now(datetime.timezone.utc)
        day = datetime.timedelta(days=1)
        builder = x509.CertificateBuilder(name, name, self.key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - day).not_valid_after(now + 365 * day)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.certificate = builder.sign(self.key, hashes.SHA256())
        self.certificate_pem = self.certificate.public_bytes(serialization.Encoding.PEM)

    def key_id(self) -> str:
        """The fingerprint that docker-registry 2.x looks keys up by: base32 in groups of four."""
        spki = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        text = base64.b32encode(hashlib.sha256(spki).digest()[:30]).decode()
        return ":".join(text[at : at + 4] for at in range(0, len(text), 4))

    def sign(self, claims: dict) -> str:
        """A JWT (RS256) with both `kid` and `x5c`."""
        certificate = self.certificate.public_bytes(serialization.Encoding.DER)
        header = {"typ": "JWT", "alg": "RS256", "kid": self.key_id()}
        header["x5c"] = [base64.b64encode(certificate).decode()]
        signed = ".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))
        signature = self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_base64url(signature)}"


class TokenServer:
    """`GET /token?service=&scope=` with Basic credentials. `read_only` users get no `push`."""

    def __init__(self, users: dict[str, str], read_only: set[str] | None = None, lifetime: int = 300):
        self.users = users
        self.read_only = read_only or set()
        self.lifetime = lifetime
        self.keys = SigningKeys()
        self.requests: list[dict] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _TokenHandler)
        self._server.daemon_threads = True
        self._server.token_server = self
        self.host = f"127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def user_of(self, authorization: str | None) -> str | None:
        """The user whose name and password the header holds."""
        try:
            scheme, encoded = (authorization or "").split(" ", 1)
            username, password = base64.b64decode(encoded, validate=True).decode().split(":", 1)
        except ValueError:
            return None
        good = scheme.lower() == "basic" and self.users.get(username) == password
        return username if good else None

    def token(self, user: str, scopes: list[str]) -> str:
        now = int(time.time())
        claims = {"iss": ISSUER, "sub": user, "aud": SERVICE, "jti": secrets.token_hex(8)}
        claims |= {"iat": now, "nbf": now - 10, "exp": now + self.lifetime}
        claims["access"] = [access for scope in scopes if (access := self._access(user, scope))]
        return self.keys.sign(claims)

    def _access(self, user: str, scope: str) -> dict | None:
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        if not name:
            return None
        wanted = actions.split(",")
        granted = [action for action in wanted if action == "pull" or user not in self.read_only]
        return {"type": kind, "name": name, "actions": granted}


class _TokenHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        tokens: TokenServer = self.server.token_server
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        scopes = [scope for value in query.get("scope", []) for scope in value.split(" ")]
        user = tokens.user_of(self.headers.get("Authorization"))
        tokens.requests.append({"user": user, "service": query.get("service", [None])[0], "scopes": scopes})
        if user is None:
            return self._reply(401, {"errors": [{"code": "UNAUTHORIZED", "message": "incorrect username or password"}]})
        token = tokens.token(user, scopes)
        return self._reply(200, {"token": token, "access_token": token, "expires_in": tokens.lifetime})

    def _reply(self, status: int, document: dict):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="token"')
        self.end_headers()
        self.wfile.write(body)
