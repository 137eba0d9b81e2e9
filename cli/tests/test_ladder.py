from pathlib import Path

import pytest

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.stack import containers
from spikewatch.cli.stack.testing import servers


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SPIKEWATCH_KAFKA_BOOTSTRAP", "SPIKEWATCH_MONGODB_URI", "SPIKEWATCH_TEST_STACK"):
        monkeypatch.delenv(name, raising=False)


def test_given_servers_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPIKEWATCH_KAFKA_BOOTSTRAP", "kafka.example:9092")
    monkeypatch.setenv("SPIKEWATCH_MONGODB_URI", "mongodb://mongo.example/")
    monkeypatch.setenv("SPIKEWATCH_TEST_STACK", "containers")

    with servers(tmp_path) as found:
        assert (found.bootstrap, found.mongodb_uri, found.description) == (
            "kafka.example:9092",
            "mongodb://mongo.example/",
            "given servers",
        )
        assert found.kafka is None


def test_half_a_given_stack_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPIKEWATCH_KAFKA_BOOTSTRAP", "kafka.example:9092")

    with pytest.raises(CannotRun, match="both"), servers(tmp_path):
        pass


def test_containers_that_were_asked_for_are_never_silently_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPIKEWATCH_TEST_STACK", "containers")
    monkeypatch.setattr(containers, "is_engine_ready", lambda *, pulls: not pulls)

    with pytest.raises(CannotRun, match="no container engine answers"), servers(tmp_path):
        pass


def test_an_unknown_choice_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPIKEWATCH_TEST_STACK", "cloud")

    with pytest.raises(CannotRun, match="knows `containers` and `local`"), servers(tmp_path):
        pass


def test_the_kafka_container_advertises_the_port_that_clients_reach() -> None:
    environment = containers.kafka_environment(20_001)

    assert environment["KAFKA_ADVERTISED_LISTENERS"] == "PLAINTEXT://127.0.0.1:20001"
    assert environment["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_an_engine_that_does_not_answer_is_not_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-such.sock")
    assert not containers.is_engine_ready(pulls=True)
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    assert not containers.is_engine_ready(pulls=True)
