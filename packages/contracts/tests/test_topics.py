"""The declaration obeys the rules that everything derived from it counts on."""

import re

import pytest
from pydantic import ValidationError

from spikewatch.contracts.topics import ALL, DIRECTORY, REPORTS, EventType, Topic, dead_letter_topic, every_topic, service_of

SERVICES = {"ingest", "enrichment", "alerts", "directory"}
NAMES = [topic.name for topic in every_topic()]
each_topic = pytest.mark.parametrize("topic", every_topic(), ids=lambda topic: topic.name)
each_source = pytest.mark.parametrize("topic", ALL, ids=lambda topic: topic.name)


def test_names_are_unique_and_do_not_collide_as_metrics():
    assert len({name.replace(".", "_") for name in NAMES}) == len(NAMES)


@each_topic
def test_a_name_is_lower_case_with_dots_and_ends_in_its_major_version_or_as_dead_letters(topic):
    assert re.fullmatch(r"[a-z]+(\.[a-z]+)+\.v\d+(\.[a-z-]+\.dlq)?", topic.name)
    assert len(topic.name) <= 249  # Kafka's limit


@each_topic
def test_owner_producers_and_consumers_are_known(topic):
    assert topic.owner in SERVICES
    assert set(topic.producers) <= SERVICES | {"agency"}
    assert {service_of(group) for group in topic.consumers} <= SERVICES
    assert set(topic.readers) <= SERVICES | {"subscriber"}


@each_source
def test_the_owner_is_among_the_producers(topic):
    assert topic.owner in topic.producers


@each_topic
def test_what_is_deleted_has_a_retention_and_what_is_compacted_has_none(topic):
    assert (topic.retention_days is None) is (topic.cleanup == "compact")


@each_topic
def test_the_broker_settings_follow(topic):
    settings = topic.configuration
    assert settings["cleanup.policy"] == topic.cleanup
    assert int(settings["max.message.bytes"]) > topic.max_message_bytes  # the batch around the record takes room too
    assert settings["retention.ms"] == (str(topic.retention_days * 86_400_000) if topic.retention_days else "-1")
    assert ("delete.retention.ms" in settings) is (topic.cleanup == "compact")


def test_every_event_type_is_published_on_exactly_one_topic():
    published = [kind for topic in ALL for kind in topic.event_types]
    assert sorted(published) == sorted(EventType)


def test_every_consumer_group_consumes_one_topic():
    groups = [group for topic in ALL for group in topic.consumers]
    assert len(set(groups)) == len(groups)


@each_source
def test_a_dead_letter_topic_belongs_to_the_consuming_service_and_holds_the_largest_record(topic):
    for group in topic.consumers:
        letters = topic.dead_letter(group)
        assert letters.name == dead_letter_topic(topic.name, group) == f"{topic.name}.{group}.dlq"
        assert letters.owner == service_of(group)
        assert letters.producers == (service_of(group),)
        assert letters.max_message_bytes > topic.max_message_bytes
        assert letters.retention_days is not None
        assert letters.retention_days >= (topic.retention_days or 0)
        assert letters.model is None


def test_an_undeclared_group_has_no_dead_letter_topic():
    with pytest.raises(ValueError, match="not declared as a consumer"):
        REPORTS.dead_letter("alerts-fan-out")


def test_an_unknown_word_in_a_declaration_is_refused():
    with pytest.raises(ValidationError, match="extra"):
        Topic.model_validate({**DIRECTORY.model_dump(), "retention": 7})
