"""Least privilege on Kafka, whatever the declaration says."""

import pytest

from spikewatch.contracts.access import (
    Operation,
    agency_grants,
    operator_grants,
    principal_name,
    service_grants,
    services,
    subscriber_grants,
)
from spikewatch.contracts.topics import ALL, every_topic

SOURCES = {topic.name for topic in ALL}


def on_topics(grants, operation):
    return {grant.name for grant in grants if grant.resource == "topic" and operation in grant.operations}


def test_the_services_are_those_of_the_declaration():
    assert services() == ("alerts", "directory", "enrichment", "ingest")


def test_an_agency_writes_submissions_and_reads_nothing():
    grants = agency_grants("cedar-county-ems")
    assert on_topics(grants, Operation.WRITE) == {"overdose.submissions.v1"}
    assert not any(Operation.READ in grant.operations for grant in grants)
    assert {grant.principal for grant in grants} == {"agency-cedar-county-ems"}
    assert {grant.resource for grant in grants} == {"topic"}


@pytest.mark.parametrize("service", services())
def test_a_service_writes_what_it_produces_and_reads_what_it_consumes(service):
    grants = service_grants(service)
    declared = every_topic()
    assert on_topics(grants, Operation.WRITE) == {topic.name for topic in declared if service in topic.producers}
    groups = {group for topic in declared for group in topic.consumers if group.startswith(f"{service}-")}
    assert {grant.name for grant in grants if grant.resource == "group"} == groups
    consumed = {topic.name for topic in declared if groups & set(topic.consumers) or service in topic.readers}
    assert on_topics(grants, Operation.READ) == consumed
    assert {grant.principal for grant in grants} == {principal_name("spikewatch", service)}


@pytest.mark.parametrize("service", services())
def test_no_service_administers_or_uses_a_prefix(service):
    allowed = {Operation.READ, Operation.WRITE, Operation.DESCRIBE}
    assert all(set(grant.operations) <= allowed and grant.pattern == "literal" for grant in service_grants(service))


def test_each_service_writes_the_dead_letters_of_its_own_groups_only():
    for topic in ALL:
        for group in topic.consumers:
            letters = topic.dead_letter(group).name
            writers = {service for service in services() if letters in on_topics(service_grants(service), Operation.WRITE)}
            assert writers == {group.split("-")[0]}


def test_a_subscriber_reads_alerts_only_and_only_in_its_own_groups():
    grants = subscriber_grants("cedar-dashboard")
    assert on_topics(grants, Operation.READ) == {"overdose.alerts.v1"}
    assert on_topics(grants, Operation.WRITE) == set()
    assert [(grant.name, grant.pattern) for grant in grants if grant.resource == "group"] == [("subscriber-cedar-dashboard.", "prefix")]


def test_the_operator_reads_dead_letters_but_no_feed():
    grants = operator_grants()
    assert all(name.endswith(".dlq") for name in on_topics(grants, Operation.READ))
    assert on_topics(grants, Operation.WRITE) == {topic.name for topic in ALL if topic.consumers}
    assert on_topics(grants, Operation.CREATE) >= SOURCES
    assert on_topics(grants, Operation.DELETE) == set()
