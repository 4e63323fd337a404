"""HTTP below the SDKs: requests signed by botocore's own signer, with whatever is wrong that a test wants to be wrong."""

import http.client
import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

TARGETS = {
    "ecs": "AmazonEC2ContainerServiceV20141113",
    "secretsmanager": "secretsmanager",
    "logs": "Logs_20140328",
}
VERSIONS = {"iam": "2010-05-08", "sts": "2011-06-15"}


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body or b"{}")

    @property
    def xml(self):
        """The document with namespaces removed from its tags."""
        root = ElementTree.fromstring(self.body)
        for element in root.iter():
            element.tag = element.tag.split("}")[-1]
        return root

    @property
    def _is_xml(self):
        return self.headers.get("content-type", "").startswith("text/xml")

    @property
    def code(self):
        """The error code, of either protocol."""
        if self._is_xml:
            return self.xml.findtext(".//Error/Code")
        return self.json.get("__type", "").split("#")[-1]

    @property
    def message(self):
        if self._is_xml:
            return self.xml.findtext(".//Error/Message")
        return self.json.get("message") or self.json.get("Message") or ""


def post(account, service, body, headers, *, key=None, secret=None, token=None, age=None, sign=True, tamper=None):
    """Signs and sends. `age` moves the signer's clock back; `tamper` may change the signed request."""
    request = AWSRequest("POST", account.endpoint + "/", headers=dict(headers), data=body)
    if sign:
        credentials = Credentials(
            key or account.access_key, secret or account.secret_key, token or account.session_token
        )
        _sign(request, credentials, service, account.region, age)
    if tamper:
        tamper(request)
    return send(account.endpoint, request.headers, request.data)


def _sign(request, credentials, service, region, age):
    original = botocore.auth.get_current_datetime
    if age is not None:
        # The signer asks this function for the time; nothing else in this thread does meanwhile.
        botocore.auth.get_current_datetime = lambda **_: datetime.now(timezone.utc).replace(tzinfo=None) - age
    try:
        botocore.auth.SigV4Auth(credentials, service, region).add_auth(request)
    finally:
        botocore.auth.get_current_datetime = original


def send(endpoint, headers, body, method="POST", path="/"):
    """One HTTP request as it is."""
    url = urlsplit(endpoint)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
    try:
        body = body.encode() if isinstance(body, str) else body
        connection.request(method, path, body=body, headers={k: _text(v) for k, v in dict(headers).items()})
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def _text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def call_json(account, service, operation, body, **more):
    """A call in awsJson. `body` is sent as it is if it is text, as JSON otherwise."""
    text = body if isinstance(body, (str, bytes)) else json.dumps(body)
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"{TARGETS[service]}.{operation}"}
    return post(account, service, text, headers, **more)


def call_query(account, service, operation, parameters=None, **more):
    """A call in awsQuery."""
    body = urlencode({"Action": operation, "Version": VERSIONS[service], **(parameters or {})})
    return post(account, service, body, {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}, **more)


MINUTE = timedelta(minutes=1)
