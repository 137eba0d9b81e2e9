from typing import Self

import pytest
from pydantic import model_validator

from spikewatch.chassis.settings import ChassisSettings, load, masked


def test_every_problem_is_told_at_once_with_an_example(monkeypatch, capsys):
    monkeypatch.delenv("SPIKEWATCH_KAFKA_BOOTSTRAP", raising=False)
    monkeypatch.delenv("SPIKEWATCH_MONGODB_URI", raising=False)
    monkeypatch.setenv("SPIKEWATCH_BATCH_RECORDS", "many")
    with pytest.raises(SystemExit) as stopped:
        load(ChassisSettings)
    told = capsys.readouterr().err
    assert stopped.value.code == 2
    assert "3 setting(s)" in told
    for variable in ("SPIKEWATCH_KAFKA_BOOTSTRAP", "SPIKEWATCH_MONGODB_URI", "SPIKEWATCH_BATCH_RECORDS"):
        assert variable in told
    assert "for example SPIKEWATCH_KAFKA_BOOTSTRAP=127.0.0.1:9092" in told.replace("For", "for")


def test_secrets_are_masked(monkeypatch):
    monkeypatch.setenv("SPIKEWATCH_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    monkeypatch.setenv("SPIKEWATCH_MONGODB_URI", "mongodb://someone:hush@127.0.0.1")
    assert "hush" not in str(masked(load(ChassisSettings)))


class Window(ChassisSettings):
    """Two settings that must fit each other."""

    window_first: int = 2
    window_last: int = 1

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.window_first > self.window_last:
            raise ValueError("SPIKEWATCH_WINDOW_FIRST must not be above SPIKEWATCH_WINDOW_LAST")
        return self


def test_a_problem_between_two_settings_is_told_and_not_a_crash(monkeypatch, capsys):
    monkeypatch.setenv("SPIKEWATCH_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    monkeypatch.setenv("SPIKEWATCH_MONGODB_URI", "mongodb://127.0.0.1")
    with pytest.raises(SystemExit) as stopped:
        load(Window)
    assert stopped.value.code == 2
    assert "SPIKEWATCH_WINDOW_FIRST must not be above SPIKEWATCH_WINDOW_LAST" in capsys.readouterr().err


def test_a_service_that_must_not_start_says_why_and_ends_with_status_two(monkeypatch, capsys):
    from spikewatch.chassis import process, runtime
    from spikewatch.chassis.outcome import CannotStart

    class Stub:
        def __init__(self, service, settings):
            pass

        async def start(self, build):
            await build(self, None)

        async def stop(self):
            pass

    async def build(_, __):
        raise CannotStart("the seal key is another one: give the key in use")

    monkeypatch.setenv("SPIKEWATCH_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    monkeypatch.setenv("SPIKEWATCH_MONGODB_URI", "mongodb://127.0.0.1:1")
    monkeypatch.setattr(runtime, "Runtime", Stub)
    monkeypatch.setattr(runtime, "start_telemetry", lambda *_: lambda: None)
    monkeypatch.setattr(runtime, "configure", lambda **_: None)
    monkeypatch.setattr(runtime.sys, "argv", ["service"])
    told = []
    monkeypatch.setattr(process._log, "error", lambda message, extra: told.append((message, extra["cause"])))
    with pytest.raises(SystemExit) as stopped:
        runtime.run("ingest", ChassisSettings, build)
    assert stopped.value.code == 2
    assert told == [("must not start", "the seal key is another one: give the key in use")]
