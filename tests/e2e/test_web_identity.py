"""Roles for tokens of an OpenID Connect provider: a small one on this machine, unmodified clients."""

import base64
import json
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from harness.account import allow, unique
from harness.errors import refused

SECRETS = "secretsmanager:ListSecrets"
AUDIENCE = "sts.amazonaws.com"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, length):
    return b64(value.to_bytes(length, "big"))


class Issuer:
    """An identity provider with a key for RSA and one for elliptic curves."""

    def __init__(self):
        self.rsa, self.ec = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())
        self.broken, issuer = False, self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                pages = {"/.well-known/openid-configuration": issuer.about, "/keys": issuer.keys}
                page = pages.get(self.path)
                self.send_response(200 if page and not issuer.broken else 500)
                self.end_headers()
                self.wfile.write(json.dumps(page() if page else {}).encode())

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.host = self.url.removeprefix("http://")
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def about(self):
        return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}

    def keys(self):
        of_rsa, of_ec = self.rsa.public_key().public_numbers(), self.ec.public_key().public_numbers()
        return {
            "keys": [
                {"kid": "r", "kty": "RSA", "use": "sig", "alg": "RS256", "n": number(of_rsa.n, 256), "e": number(of_rsa.e, 3)},
                {"kid": "e", "kty": "EC", "crv": "P-256", "x": number(of_ec.x, 32), "y": number(of_ec.y, 32)},
            ]
        }

    def token(self, algorithm="RS256", key=None, drop=(), header=None, **claims):
        now = int(time.time())
        said = {"iss": self.url, "sub": "repo:a/b", "aud": AUDIENCE, "iat": now, "exp": now + 300} | claims
        said = {name: value for name, value in said.items() if name not in drop}
        head = {"alg": algorithm, "typ": "JWT", "kid": algorithm[0].lower()} | (header or {})
        text = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(said).encode())}"
        if algorithm == "RS256":
            signature = (key or self.rsa).sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        else:
            r, s = decode_dss_signature((key or self.ec).sign(text.encode(), ec.ECDSA(hashes.SHA256())))
            signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return f"{text}.{b64(signature)}"


@pytest.fixture(scope="module")
def issuer():
    issuer = Issuer()
    yield issuer
    issuer.server.shutdown()


@pytest.fixture(scope="module")
def provider(admin, issuer):
    answer = admin.iam.create_open_id_connect_provider(Url=issuer.url, ClientIDList=[AUDIENCE, "app"])
    return answer["OpenIDConnectProviderArn"]


def role_for(admin, provider, **condition):
    statement = {"Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity"}
    if condition:
        statement["Condition"] = condition
    name = unique("web")
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    arn = admin.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    admin.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(allow(SECRETS)))
    return arn


def become(admin, role, token, **more):
    return admin.sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="build", WebIdentityToken=token, **more)


NOT_AUTHORIZED = "Not authorized to perform sts:AssumeRoleWithWebIdentity"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_token_makes_a_session(admin, issuer, provider, algorithm):
    condition = {"StringEquals": {f"{issuer.host}:sub": "repo:a/b", f"{issuer.host}:aud": AUDIENCE}}
    role = role_for(admin, provider, **condition)
    answer = become(admin, role, issuer.token(algorithm))
    assert answer["SubjectFromWebIdentityToken"] == "repo:a/b"
    assert (answer["Provider"], answer["Audience"]) == (issuer.url, AUDIENCE)
    assert answer["AssumedRoleUser"]["Arn"].endswith(f":assumed-role/{role.rsplit('/', 1)[1]}/build")
    got = answer["Credentials"]
    session = admin.as_keys(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])
    assert session.sts.get_caller_identity()["Arn"] == answer["AssumedRoleUser"]["Arn"]
    session.secretsmanager.list_secrets()
    with refused("AccessDenied", NOT_AUTHORIZED) as error:
        become(admin, role, issuer.token(algorithm, sub="repo:a/other"))
    assert error.status == 403


def test_claims_are_condition_keys(admin, issuer, provider):
    for key, value, claims in [
        ("aud", "app", {"azp": "app", "aud": ["x", AUDIENCE]}),
        ("azp", "app", {"azp": "app"}),
        ("amr", "authenticated", {"amr": ["authenticated", "x"]}),
    ]:
        operator = "ForAnyValue:StringEquals" if key == "amr" else "StringEquals"
        role = role_for(admin, provider, **{operator: {f"{issuer.host}:{key}": value}})
        assert become(admin, role, issuer.token(**claims))["Credentials"]
        with refused("AccessDenied", NOT_AUTHORIZED):
            become(admin, role, issuer.token())
    role = role_for(admin, provider, StringEquals={"sts:RoleSessionName": "other"})
    with refused("AccessDenied", NOT_AUTHORIZED):
        become(admin, role, issuer.token())


def test_tokens_that_are_not_taken(admin, issuer, provider):
    role, now = role_for(admin, provider), int(time.time())
    stranger = rsa.generate_private_key(65537, 2048)
    no_jwt = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
    no_key = "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements"
    elsewhere = "https://nobody.example"
    for token, code, text in [
        ("nonsense", "InvalidIdentityToken", no_jwt),
        (issuer.token(header={"alg": "none"}), "InvalidIdentityToken", no_jwt),
        (issuer.token(header={"alg": "HS256"}), "InvalidIdentityToken", no_jwt),
        (issuer.token(iss=elsewhere), "InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {elsewhere}"),
        (issuer.token(key=stranger), "InvalidIdentityToken", "The signature of the ID Token is not valid."),
        (issuer.token(header={"kid": "x"}), "InvalidIdentityToken", no_key),
        (issuer.token(aud="other"), "InvalidIdentityToken", "Incorrect token audience"),
        (issuer.token(azp="other"), "InvalidIdentityToken", "Incorrect token audience"),
        (issuer.token(drop=["sub"]), "InvalidIdentityToken", "Missing a required claim: sub"),
    ]:
        with refused(code, text):
            become(admin, role, token)
    expired = f" must be before the expiration date/time {now - 10}"
    with refused("ExpiredTokenException", contains=expired):
        become(admin, role, issuer.token(exp=now - 10))
    issuer.broken = True
    with refused("InvalidIdentityToken", no_key):
        become(admin, role, issuer.token())
    issuer.broken = False


def test_a_provider_that_is_not_reached(admin):
    url = "http://127.0.0.1:1"
    arn = admin.iam.create_open_id_connect_provider(Url=url, ClientIDList=[AUDIENCE])["OpenIDConnectProviderArn"]
    token = Issuer().token(iss=url)
    with refused("IDPCommunicationError", "Could not connect to the identity provider."):
        admin.client("sts").assume_role_with_web_identity(
            RoleArn=role_for(admin, arn), RoleSessionName="build", WebIdentityToken=token
        )
    admin.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)


def test_providers(admin, issuer):
    url = "https://h.example/realms/a"
    made = admin.iam.create_open_id_connect_provider(Url=url, ThumbprintList=["ab" * 20], Tags=[{"Key": "k", "Value": "v"}])
    arn = made["OpenIDConnectProviderArn"]
    assert arn == f"arn:aws:iam::{admin.id}:oidc-provider/h.example/realms/a"
    named = {"OpenIDConnectProviderArn": arn}
    with refused("EntityAlreadyExists", f"Provider with url {url} already exists."):
        admin.iam.create_open_id_connect_provider(Url=url)
    admin.iam.add_client_id_to_open_id_connect_provider(**named, ClientID="one")
    admin.iam.add_client_id_to_open_id_connect_provider(**named, ClientID="two")
    admin.iam.remove_client_id_from_open_id_connect_provider(**named, ClientID="one")
    admin.iam.update_open_id_connect_provider_thumbprint(**named, ThumbprintList=["cd" * 20])
    admin.iam.tag_open_id_connect_provider(**named, Tags=[{"Key": "team", "Value": "a"}])
    admin.iam.untag_open_id_connect_provider(**named, TagKeys=["k"])
    got = admin.iam.get_open_id_connect_provider(**named)
    assert (got["Url"], got["ClientIDList"], got["ThumbprintList"]) == ("h.example/realms/a", ["two"], ["cd" * 20])
    assert admin.iam.list_open_id_connect_provider_tags(**named)["Tags"] == [{"Key": "team", "Value": "a"}]
    assert {"Arn": arn} in admin.iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    for _ in range(2):
        admin.iam.delete_open_id_connect_provider(**named)
    with refused("NoSuchEntity", f"OpenIDConnect Provider not found for arn {arn}"):
        admin.iam.get_open_id_connect_provider(**named)
    with refused("InvalidInput", "Invalid Open ID Connect Provider URL"):
        admin.iam.create_open_id_connect_provider(Url="http://h.example")


def test_the_aws_cli_becomes_the_role_by_itself(admin, issuer, provider, tmp_path):
    """As in a pod or a build: a file with a token, and a role to be."""
    file = tmp_path / "token"
    file.write_text(issuer.token())
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ROLE_ARN": role_for(admin, provider),
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(file),
        "AWS_ROLE_SESSION_NAME": "cli",
        "AWS_ENDPOINT_URL": admin.endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "HOME": str(tmp_path),
    }
    aws = [sys.executable, "-m", "awscli", "sts", "get-caller-identity"]
    done = subprocess.run(aws, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["Arn"].endswith("/cli")
