"""Fixtures: servers, accounts, registries, tasks. Each server that ends is checked for what tests forget to check."""

import json
import os

import pytest

from harness import network, registries, residue, sensitive
from harness.account import Account
from harness.server import Server
from harness.tasks import Tasks, settled_residue
from harness.waiting import until


def pytest_configure():
    """Workers beside each other have a network each: what one of them makes there is not left behind by another."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        network.own()


def _forgotten(server, ended_well):
    """What is wrong with a server after its end: panics, secrets in log or data, things left on the host."""
    log = server.log()
    problems = [f"panic in the log: {line}" for line in log.splitlines() if "panicked" in line]
    problems += ["a secret is in the log" for text in sensitive.KNOWN if text in log]
    problems += [f"a secret is in `{path}`" for path, _ in sensitive.files_with_secrets(server.data_dir)]
    problems += [f"left on the host: {thing}" for thing in settled_residue([str(server.data_dir)], None)]
    if not ended_well:
        problems.append("the server did not end with exit code 0 after SIGTERM")
    return problems


def _end(server):
    running = server.process is not None
    ended_well = not running or server.stop() == 0
    problems = _forgotten(server, ended_well)
    log = server.log()
    server.remove()
    assert not problems, "\n".join(problems) + "\n--- end of the log ---\n" + log[-4000:]


@pytest.fixture(scope="session")
def server():
    """The server that most tests share."""
    running = Server().start()
    before = residue.interfaces()
    yield running
    _end(running)
    # Another run beside this one may have interfaces too, but not the same ones for long.
    suspects = residue.interfaces() - before
    until(f"the end of the interfaces {suspects}", lambda: not suspects & residue.interfaces(), 30, 0.5)


@pytest.fixture(autouse=True)
def no_panic(request):
    """A panic belongs to the test that provoked it."""
    if "server" not in request.fixturenames:
        yield
        return
    shared = request.getfixturevalue("server")
    before = len(shared.log())
    yield
    new = shared.log()[before:]
    assert "panicked" not in new, new


@pytest.fixture
def make_server():
    """Makes servers of a test's own: `make_server("--auth", "off")`. They are ended and checked afterwards."""
    made = []

    def make(*arguments, data_dir=None, start=True, environment=None):
        server = Server(data_dir, arguments, environment)
        made.append(server)
        return server.start() if start else server

    yield make
    for server in made:
        _end(server)


@pytest.fixture(scope="session")
def admin(server):
    """The first account's administrator."""
    return Account.from_env(server.env())


@pytest.fixture(scope="session")
def account_id(admin):
    return admin.id


@pytest.fixture(scope="session")
def other_account(server):
    """A further account of the same server, as its administrator."""
    number = f"{int.from_bytes(os.urandom(4), 'big'):012d}"
    keys = json.loads(server.command("account", "create", number, "--json", check=True).stdout)
    assert keys["account"] == number
    return Account(server.endpoint, keys["access_key_id"], keys["secret_access_key"])


@pytest.fixture(scope="session")
def registry():
    """Debian's registry with user name and password (Basic)."""
    with registries.basic() as running:
        yield running


@pytest.fixture(scope="session")
def bearer_registry():
    """Debian's registry with a token service (Bearer)."""
    with registries.bearer() as running:
        yield running


@pytest.fixture
def hostile():
    """Starts registries that misbehave: `hostile("not-found")`; see `support.hostile_registry.MODES`."""
    running = []

    def start(mode, **options):
        registry = registries.Hostile(mode, **options)
        running.append(registry)
        return registry.__enter__()

    yield start
    for registry in running:
        registry.__exit__(None, None, None)


@pytest.fixture(scope="module")
def module_tasks(server, admin, registry):
    """Cluster, log group, secret and role that the tests of a file share."""
    return Tasks(server, admin, registry)


@pytest.fixture
def tasks(module_tasks):
    """Runs tasks; afterwards all of them are stopped and nothing of them may be left on the host."""
    yield module_tasks
    left = module_tasks.end()
    module_tasks.started.clear()
    assert not left, "left behind by tasks of this test:\n" + "\n".join(left)


@pytest.fixture(params=["FARGATE", "EC2"])
def launch(request):
    """The launch type of a task."""
    return request.param
