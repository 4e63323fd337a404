"""ECR's registries: repositories, logins, requests by hand, and images to move."""

import base64
import json
from dataclasses import dataclass, field
from pathlib import Path

import urllib3

from harness.account import unique
from support import images

PUSH = [
    "ecr:GetAuthorizationToken",
    "ecr:BatchCheckLayerAvailability",
    "ecr:InitiateLayerUpload",
    "ecr:UploadLayerPart",
    "ecr:CompleteLayerUpload",
    "ecr:PutImage",
]
PULL = ["ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]


def login(account):
    """User name and password of `GetAuthorizationToken`."""
    data = account.client("ecr").get_authorization_token()["authorizationData"][0]
    username, password = base64.b64decode(data["authorizationToken"]).decode().split(":")
    return username, password


def repository(account, **more):
    """A new repository; what `CreateRepository` says of it."""
    return account.client("ecr").create_repository(repositoryName=unique("team/app"), **more)["repository"]


@dataclass
class Registry:
    """The data plane as somebody sees it, over plain HTTP."""

    host: str
    username: str | None = None
    password: str | None = None
    pool: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False, timeout=30), repr=False)

    @classmethod
    def of(cls, account):
        return cls(account.endpoint.removeprefix("http://"), *login(account))

    def send(self, method, path, headers=None, **more):
        """As clients do, to where a layer lies; there without the credential."""
        answer = self.send_once(method, path, headers, **more)
        if answer.status != 307:
            return answer
        answer.read()
        return Registry(self.host, pool=self.pool).send_once(method, answer.headers["Location"], headers, **more)

    def send_once(self, method, path, headers=None, **more):
        headers = dict(headers or {})
        if self.username is not None:
            headers |= urllib3.make_headers(basic_auth=f"{self.username}:{self.password}")
        return self.pool.request(method, f"http://{self.host}{path}", headers=headers, **more)

    def path(self, uri):
        """What follows host and port in a `repositoryUri`."""
        return uri.split("/", 1)[1]

    def push(self, image, uri, tag="latest"):
        return images.push(image, self.host, self.path(uri), tag, self.username, self.password)


def error(answer):
    """The first error of a refusal."""
    return json.loads(answer.data)["errors"][0]


def auth_file(directory, host, username, password):
    """A file as docker, podman and skopeo read it."""
    path = Path(directory) / "config.json"
    text = base64.b64encode(f"{username}:{password}".encode()).decode()
    path.write_text(json.dumps({"auths": {host: {"auth": text}}}))
    return path


def several_layers(salt, architecture="amd64", *, docker=False):
    """An image of three layers that differ by `salt`; busybox runs in it."""
    layers = [images.layer(images.busybox_archive())]
    layers += [images.layer(images.files_archive({f"data/{n}": f"{salt} {n}\n" * 2000})) for n in range(2)]
    return images.build(layers, cmd=["/bin/busybox", "cat", "/data/1"], architecture=architecture, docker=docker)


def several_platforms(salt, *, docker=False):
    """An index of two platforms."""
    both = {f"linux/{one}": several_layers(f"{salt} {one}", one, docker=docker) for one in ("amd64", "arm64")}
    return images.index(both, docker=docker)
