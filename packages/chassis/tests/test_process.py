"""The life of a process, with something that lives in it in place of the runtime."""

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from spikewatch.chassis import process
from spikewatch.chassis.outcome import CannotStart, Transient
from spikewatch.chassis.process import until_stopped


class Life:
    """Starts at once unless told otherwise, and does to itself what a test wants when it is ready."""

    def __init__(self, *, when_ready: str = "", refusal: Exception | None = None) -> None:
        self.failed = asyncio.Event()
        self.stops = 0
        self._when_ready = when_ready
        self._refusal = refusal

    async def start(self) -> None:
        if self._refusal is not None:
            raise self._refusal
        if self._when_ready == "interrupted while starting":
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()

    async def wait_ready(self) -> None:
        if self._when_ready == "failed":
            self.failed.set()
        else:
            asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGTERM)

    async def stop(self) -> None:
        self.stops += 1

    def ports(self) -> dict[str, int]:
        return {"http": 8080}


@pytest.fixture(autouse=True)
def collector(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the garbage collector of the test run as it is."""
    monkeypatch.setattr(process, "spare_collector", lambda *, collects_between: None)


@pytest.mark.parametrize(
    ("life", "status"),
    [
        ({}, 0),
        ({"when_ready": "interrupted while starting"}, 0),
        ({"when_ready": "failed"}, 1),
        ({"refusal": Transient("kafka did not answer")}, 1),
        ({"refusal": CannotStart("another key")}, 2),
    ],
)
def test_however_it_ends_it_stops_once_and_the_status_says_why(life: dict[str, object], status: int) -> None:
    lived = Life(**life)  # type: ignore[arg-type]  # keywords of the cases
    assert asyncio.run(until_stopped(lived, lived.start)) == status
    assert lived.stops == 1


def test_the_ports_are_told_when_it_is_ready(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SPIKEWATCH_READY_FILE", str(tmp_path / "ready"))
    lived = Life()
    asyncio.run(until_stopped(lived, lived.start))
    assert json.loads((tmp_path / "ready").read_text(encoding="utf-8")) == {"http": 8080, "pid": os.getpid()}


def test_what_never_became_ready_tells_no_ports(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SPIKEWATCH_READY_FILE", str(tmp_path / "ready"))
    lived = Life(when_ready="interrupted while starting")
    asyncio.run(until_stopped(lived, lived.start))
    assert list(tmp_path.iterdir()) == []
