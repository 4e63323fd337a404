"""Runs moto's own tests against Landfall: a pytest plugin that puts a server of its own in the place of `mock_aws`.

    pip download moto==5.2.5 --no-deps --no-binary :all:          # below target/; the tests are not copied here
    LANDFALL_BIN=… PYTHONPATH=<this directory>:tests/e2e pytest -p landfall_mock <moto>/tests/test_ssm/test_ssm.py

Every test begins with an empty server, as it does with moto.
"""

import functools
import inspect
import os

import boto3
import moto
from harness.server import Server

ACCOUNT = "123456789012"


class Mock:
    """What `mock_aws` is: a decorator with or without arguments, and a context manager."""

    def __init__(self, function=None, **_):
        self.function = function
        self.server = None
        self.before = {}

    def __enter__(self):
        self.server = Server(arguments=("--account", ACCOUNT)).start()
        self.before = dict(os.environ)
        os.environ.update(self.server.env())
        os.environ.pop("AWS_REGION", None)
        # The default session remembers the credentials of the server before.
        boto3.DEFAULT_SESSION = None
        return self

    def __exit__(self, *_):
        os.environ.clear()
        os.environ.update(self.before)
        self.server.kill()
        self.server.remove()

    start = __enter__
    stop = __exit__

    def __call__(self, function):
        return decorated(function)


def decorated(function):
    """A test, or a class of tests, with a server around it."""
    if inspect.isclass(function):
        for name, member in list(vars(function).items()):
            if name.startswith("test") and callable(member):
                setattr(function, name, decorated(member))
        return function

    @functools.wraps(function)
    def run(*arguments, **named):
        with Mock():
            return function(*arguments, **named)

    return run


def mock_aws(function=None, **options):
    """Stands for `moto.mock_aws`."""
    return decorated(function) if function else Mock(**options)


moto.mock_aws = mock_aws
