import pytest

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
