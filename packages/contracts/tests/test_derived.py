"""Every committed derived file is what the contracts say now, and a break is never written by accident."""

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft7Validator

from spikewatch.contracts.__main__ import derived, main, stale
from spikewatch.contracts.access import service_grants, services
from spikewatch.contracts.asyncapi import document
from spikewatch.contracts.strimzi import agency_user, as_yaml, subscriber_user, topic_resources, user_resources
from spikewatch.contracts.topic_table import markdown
from spikewatch.contracts.topics import ALL, every_topic


def test_committed_files_are_fresh(repository):
    assert stale(repository) == []


def test_check_passes_on_fresh_files_and_fails_on_a_stale_one(tmp_path, capsys):
    assert main(["--root", str(tmp_path)]) == 0
    assert main(["--root", str(tmp_path), "--check"]) == 0
    (tmp_path / "docs/reference/topics.md").write_text("old")
    assert main(["--root", str(tmp_path), "--check"]) == 1
    assert "docs/reference/topics.md is stale" in capsys.readouterr().err


def test_a_breaking_schema_is_not_written_unless_accepted(tmp_path, capsys):
    assert main(["--root", str(tmp_path)]) == 0
    path = tmp_path / "packages/contracts/schemas/Report.v1.json"
    released = json.loads(path.read_text())
    released["properties"]["gone"] = {"type": "string"}
    path.write_text(json.dumps(released))
    assert main(["--root", str(tmp_path)]) == 1
    assert "gone: removed-field" in capsys.readouterr().err
    assert json.loads(path.read_text()) == released
    assert main(["--root", str(tmp_path), "--accept"]) == 0
    assert main(["--root", str(tmp_path), "--check"]) == 0


def test_deriving_twice_gives_the_same_text():
    assert derived() == derived()


def test_asyncapi_is_valid(repository):
    published = repository.parent / "shared" / "data" / "schemas" / "asyncapi-3.0.0.json"
    if not published.is_file():
        pytest.skip("the published AsyncAPI 3.0.0 schema is not here (shared/data/schemas/asyncapi-3.0.0.json)")
    validator = Draft7Validator(json.loads(published.read_text()))
    problems = [f"{list(error.path)}: {error.message[:200]}" for error in validator.iter_errors(document())]
    assert problems == []


def references(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for part in node.values():
            yield from references(part)
    elif isinstance(node, list):
        for part in node:
            yield from references(part)


def test_every_reference_of_the_asyncapi_document_leads_somewhere():
    whole = document()
    for reference in set(references(whole)):
        node = whole
        for step in reference.removeprefix("#/").split("/"):
            assert step in node, reference
            node = node[step]


def test_asyncapi_says_of_each_topic_what_the_declaration_says():
    whole = document()
    assert list(whole["channels"]) == [topic.name for topic in every_topic()]
    for topic in every_topic():
        binding = whole["channels"][topic.name]["bindings"]["kafka"]
        assert binding["topic"] == topic.name
        assert binding["partitions"] == topic.partitions
        assert binding["topicConfiguration"]["cleanup.policy"] == [topic.cleanup]
        senders = {name.split(".")[0] for name in whole["operations"] if name.endswith(f".send.{topic.name}")}
        assert senders == set(topic.producers)
        receivers = {name.split(".")[0] for name in whole["operations"] if name.endswith(f".receive.{topic.name}")}
        assert receivers == {*topic.consumers, *topic.readers}


def test_every_server_of_the_asyncapi_document_asks_who_you_are():
    assert all(server["security"] for server in document()["servers"].values())


def test_topic_resources_equal_the_declaration():
    resources = {resource["metadata"]["name"]: resource for resource in topic_resources()}
    assert list(resources) == [topic.name for topic in every_topic()]
    for topic in every_topic():
        resource = resources[topic.name]
        assert resource["spec"]["partitions"] == topic.partitions
        assert topic.configuration.items() <= resource["spec"]["config"].items()
        assert resource["apiVersion"] == "kafka.strimzi.io/v1"


def test_each_service_and_the_operator_have_a_kafka_user_with_exactly_their_grants():
    users = {resource["metadata"]["name"]: resource for resource in user_resources()}
    assert set(users) == {f"spikewatch-{name}" for name in (*services(), "operator")}
    for service in services():
        acls = users[f"spikewatch-{service}"]["spec"]["authorization"]["acls"]
        stated = {(acl["resource"]["type"], acl["resource"]["name"], tuple(acl["operations"])) for acl in acls}
        assert stated == {(grant.resource, grant.name, tuple(map(str, grant.operations))) for grant in service_grants(service)}


def test_an_agency_has_a_quota_and_writes_only():
    user = agency_user("cedar-county-ems")
    assert user["spec"]["quotas"]["producerByteRate"] > 0
    assert [acl["operations"] for acl in user["spec"]["authorization"]["acls"]] == [["Describe", "Write"]]


def test_a_subscriber_has_no_write_anywhere():
    assert "Write" not in as_yaml([subscriber_user("cedar-dashboard")])


def test_yaml_reads_back():
    assert list(yaml.safe_load_all(as_yaml(topic_resources()))) == list(topic_resources())


def test_the_page_names_every_topic_group_and_event_type():
    page = markdown()
    for topic in ALL:
        assert f"`{topic.name}`" in page
        assert all(group in page for group in topic.consumers)
        assert all(kind in page for kind in topic.event_types)


def test_no_derived_file_names_a_machine_path():
    assert all(str(Path.home()) not in text for text in derived().values())
