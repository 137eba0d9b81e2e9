"""Hypothesis's settings for all tests; and servers for those marked `integration`, found or started once a run and named.

A test that starts servers of its own removes the two variables first.
"""

import os
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from spikewatch_testing.exploring import EXPLORE, TIMES, load_profile

from spikewatch.cli.stack.testing import Servers, servers

load_profile()  # here, for the tests take their settings while they are imported

_VARIABLES = ("SPIKEWATCH_KAFKA_BOOTSTRAP", "SPIKEWATCH_MONGODB_URI")


class RealServers:
    """Starts the servers with the first test that needs them and ends them with the run."""

    def __init__(self) -> None:
        self._ending = ExitStack()
        self.found: Servers | None = None

    def require(self) -> Servers:
        """Return the servers, started when they are not yet."""
        if self.found is None:
            folder = Path(self._ending.enter_context(tempfile.TemporaryDirectory(prefix="spikewatch-tests-", ignore_cleanup_errors=True)))
            self.found = self._ending.enter_context(servers(folder))
            os.environ[_VARIABLES[0]], os.environ[_VARIABLES[1]] = self.found.bootstrap, self.found.mongodb_uri
        return self.found

    def close(self) -> None:
        """End what was started."""
        self._ending.close()


_servers = RealServers()


def pytest_report_header() -> str:
    """Say which inputs the property tests take."""
    if TIMES:
        return f"property tests: {TIMES} times as many inputs, drawn anew ({EXPLORE})"
    return f"property tests: the gate's inputs, the same on each run; {EXPLORE}=20 draws twenty times as many others"


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """Put the files first that take longest: while a worker is busy with one that came last, the others would wait."""
    yield  # they are shuffled
    items.sort(key=_seconds, reverse=True)


def _seconds(item: pytest.Item) -> float:
    slow = item.get_closest_marker("slow")
    return 0.0 if slow is None else float(slow.args[0])


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Have the servers up, and named in the environment, before an integration test and its fixtures."""
    if item.get_closest_marker("integration") is not None:
        _servers.require()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which servers the tests ran on."""
    if _servers.found is not None:
        terminalreporter.write_line(f"real servers: {_servers.found.description}")


@pytest.fixture(scope="session")
def real_servers() -> Servers:
    """The servers themselves, for tests that kill them."""
    return _servers.require()


@pytest.fixture(scope="session", autouse=True)
def _close_servers() -> Iterator[None]:
    yield
    _servers.close()
