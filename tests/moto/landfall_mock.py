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
    """What `mock_aws` is: a decorator with or without arguments, and a context manager. One within another is the same server."""

    inside = 0
    server = None
    before = None

    def __init__(self, function=None, **_):
        self.function = function

    def __enter__(self):
        Mock.inside += 1
        if Mock.inside == 1:
            Mock.server = Server(arguments=("--account", ACCOUNT)).start(timeout=100)
            Mock.before = dict(os.environ)
            os.environ.update(Mock.server.env())
            os.environ.pop("AWS_REGION", None)
            # The default session remembers the credentials of the server before.
            boto3.DEFAULT_SESSION = None
        return self

    def __exit__(self, *_):
        Mock.inside -= 1
        if Mock.inside == 0:
            os.environ.clear()
            os.environ.update(Mock.before)
            Mock.server.kill()
            Mock.server.remove()

    start = __enter__
    stop = __exit__

    def __call__(self, function):
        return decorated(function)


def decorated(function):
    """A test, or a class of tests, with a server around it."""
    if inspect.isclass(function):
        return decorated_class(function)

    @functools.wraps(function)
    def run(*arguments, **named):
        with Mock():
            return function(*arguments, **named)

    return run


def decorated_class(tests):
    for setup, teardown in (("setup_method", "teardown_method"), ("setUp", "tearDown")):
        if setup in vars(tests):
            return from_setup_on(tests, setup, teardown)
    for name, member in list(vars(tests).items()):
        if name.startswith("test") and callable(member):
            setattr(tests, name, decorated(member))
    return tests


def from_setup_on(tests, setup, teardown):
    """A class of tests whose preparation needs the server, too."""
    prepare, clear = getattr(tests, setup), getattr(tests, teardown, lambda *_: None)

    def before(self, *arguments):
        self.mock = Mock()
        self.mock.start()
        prepare(self, *arguments)

    def after(self, *arguments):
        try:
            clear(self, *arguments)
        finally:
            self.mock.stop()

    setattr(tests, setup, before)
    setattr(tests, teardown, after)
    return tests


def mock_aws(function=None, **options):
    """Stands for `moto.mock_aws`."""
    return decorated(function) if function else Mock(**options)


moto.mock_aws = mock_aws
