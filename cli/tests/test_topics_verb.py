"""``spikewatch topics``: what it prints is what the contracts say."""

import json

import pytest
import yaml
from aiokafka.errors import KafkaConnectionError

from spikewatch.chassis.kafka import topics_admin
from spikewatch.chassis.kafka.connection import KafkaConnection
from spikewatch.chassis.kafka.topics_admin import TopicChange
from spikewatch.chassis.outcome import Transient
from spikewatch.cli.main import main
from spikewatch.contracts.asyncapi import document
from spikewatch.contracts.topic_table import markdown
from spikewatch.contracts.topics import every_topic


def test_ls_names_every_topic(capsys):
    assert main(["topics", "ls", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == [topic.name for topic in every_topic()]
    assert main(["topics", "ls"]) == 0
    assert all(topic.name in capsys.readouterr().out for topic in every_topic()[:1])


def test_acls_of_an_agency_grant_no_read(capsys):
    assert main(["topics", "acls", "--agency", "cedar-county-ems", "--json"]) == 0
    assert [row["operations"] for row in json.loads(capsys.readouterr().out)] == [["Describe", "Write"]]


def test_acls_cover_services_and_operator(capsys):
    assert main(["topics", "acls", "--json"]) == 0
    principals = {row["principal"] for row in json.loads(capsys.readouterr().out)}
    assert principals == {f"spikewatch-{name}" for name in ("ingest", "enrichment", "alerts", "directory", "operator")}


@pytest.mark.parametrize("identity", ["Cedar", "a b", "../x", "a.", "-a", "x" * 60, "a\n"])
def test_an_identity_of_another_shape_is_refused(identity, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["topics", "acls", f"--agency={identity}"])
    assert caught.value.code == 2
    assert "for example cedar-county-ems" in capsys.readouterr().err


def test_documents_go_to_a_file_or_to_standard_output(tmp_path, capsys):
    assert main(["topics", "asyncapi", "-o", str(tmp_path / "a.json")]) == 0
    assert json.loads((tmp_path / "a.json").read_text()) == json.loads(json.dumps(document()))
    assert main(["topics", "docs"]) == 0
    assert capsys.readouterr().out == markdown()
    assert main(["topics", "strimzi"]) == 0
    kinds = [resource["kind"] for resource in yaml.safe_load_all(capsys.readouterr().out)]
    assert kinds.count("KafkaTopic") == len(every_topic())
    assert kinds.count("KafkaUser") == 5


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path, capsys):
    assert main(["topics", "docs", "-o", str(tmp_path / "missing" / "x.md")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_without_a_broker_named_plan_says_what_to_give(monkeypatch, capsys):
    monkeypatch.delenv("SPIKEWATCH_KAFKA_BOOTSTRAP", raising=False)
    assert main(["topics", "plan"]) == 2
    assert "--bootstrap" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("verb", "action", "status"),
    [("plan", "ok", 0), ("plan", "create", 1), ("plan", "differs", 1), ("apply", "ok", 0), ("apply", "create", 0), ("apply", "differs", 1)],
)
def test_the_exit_status_tells_whether_the_cluster_is_as_declared(verb, action, status, monkeypatch, capsys):
    async def answer(connection, **_):
        return [TopicChange(connection.bootstrap[0], action, "why")]

    monkeypatch.setattr(topics_admin, verb, answer)
    assert main(["topics", verb, "--bootstrap", "kafka.example:9092", "--json"]) == status
    assert json.loads(capsys.readouterr().out) == [{"topic": "kafka.example:9092", "action": action, "detail": "why"}]


async def _refuse(_admin):
    raise KafkaConnectionError("nobody is there")


async def test_what_asks_about_topics_meets_no_error_of_the_client(monkeypatch):
    monkeypatch.setattr(topics_admin.AIOKafkaAdminClient, "start", _refuse)
    with pytest.raises(Transient, match="nobody is there"):
        await topics_admin.apply(KafkaConnection(bootstrap=("127.0.0.1:1",), client_id="test"))


def test_a_broker_that_does_not_answer_is_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr(topics_admin.AIOKafkaAdminClient, "start", _refuse)
    assert main(["topics", "plan", "--bootstrap", "127.0.0.1:1"]) == 2
    assert "is the address right" in capsys.readouterr().err


def test_what_the_broker_refuses_is_one_sentence_that_says_what_to_do(monkeypatch, capsys):
    async def refuse(_connection, **_):
        raise topics_admin.Refused("overdose.reports.v1", "given its settings", 29, None)

    monkeypatch.setattr(topics_admin, "apply", refuse)
    assert main(["topics", "apply", "--bootstrap", "kafka.example:9092"]) == 2
    told = capsys.readouterr().err
    assert "overdose.reports.v1 was not given its settings, code 29 (TopicAuthorizationFailed)" in told
    assert "spikewatch topics acls" in told
