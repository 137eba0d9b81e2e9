"""Who may do what on Kafka, derived from the topics' producers, consumers and readers. Everything not listed is denied."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from spikewatch.contracts.topics import SUBMISSIONS, Topic, every_topic, service_of

__all__ = ["Grant", "Operation", "agency_grants", "operator_grants", "principal_name", "service_grants", "services", "subscriber_grants"]

AGENCY: Final = "agency"
SUBSCRIBER: Final = "subscriber"


class Operation(StrEnum):
    """Kafka's operations, named as its authoriser and Strimzi name them."""

    READ = "Read"
    WRITE = "Write"
    CREATE = "Create"
    DELETE = "Delete"
    ALTER = "Alter"
    DESCRIBE = "Describe"
    DESCRIBE_CONFIGS = "DescribeConfigs"
    ALTER_CONFIGS = "AlterConfigs"


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One thing a principal may do, from any host."""

    principal: str
    resource: Literal["topic", "group", "cluster"]
    name: str
    operations: tuple[Operation, ...]
    pattern: Literal["literal", "prefix"] = "literal"


def principal_name(kind: str, identity: str) -> str:
    """Return the Kafka user name: ``spikewatch-ingest``, ``agency-cedar-county-ems``, ``subscriber-cedar-dashboard``."""
    return f"{kind}-{identity}"


def services(topics: Iterable[Topic] | None = None) -> tuple[str, ...]:
    """Return the services that the declaration names, in alphabetical order."""
    named: set[str] = set()
    for topic in every_topic() if topics is None else topics:
        named.update(topic.producers, topic.readers, map(service_of, topic.consumers))
    return tuple(sorted(named - {AGENCY, SUBSCRIBER}))


def service_grants(service: str, topics: Iterable[Topic] | None = None) -> tuple[Grant, ...]:
    """Return what one service may do: write what it produces, read what it consumes, join its own groups."""
    principal = principal_name("spikewatch", service)
    grants: list[Grant] = []
    for topic in every_topic() if topics is None else topics:
        groups = tuple(group for group in topic.consumers if service_of(group) == service)
        if service in topic.producers:
            grants.append(Grant(principal, "topic", topic.name, (Operation.DESCRIBE, Operation.WRITE)))
        if groups or service in topic.readers:
            grants.append(Grant(principal, "topic", topic.name, (Operation.DESCRIBE, Operation.READ)))
        grants.extend(Grant(principal, "group", group, (Operation.DESCRIBE, Operation.READ)) for group in groups)
    return tuple(grants)


def agency_grants(agency: str) -> tuple[Grant, ...]:
    """Return what an agency's own producer may do: write submissions. It never reads, not even what it wrote."""
    return (Grant(principal_name(AGENCY, agency), "topic", SUBMISSIONS.name, (Operation.DESCRIBE, Operation.WRITE)),)


def subscriber_grants(subscriber: str, topics: Iterable[Topic] | None = None) -> tuple[Grant, ...]:
    """Return what a downstream subscriber may do: read the topics open to subscribers, in groups named ``subscriber-<id>.…``."""
    principal = principal_name(SUBSCRIBER, subscriber)
    readable = [topic for topic in (every_topic() if topics is None else topics) if SUBSCRIBER in topic.readers]
    return (
        *(Grant(principal, "topic", topic.name, (Operation.DESCRIBE, Operation.READ)) for topic in readable),
        # The dot keeps subscriber-a out of the groups of subscriber-ab.
        Grant(principal, "group", f"{principal}.", (Operation.DESCRIBE, Operation.READ), "prefix"),
    )


def operator_grants(topics: Iterable[Topic] | None = None) -> tuple[Grant, ...]:
    """Return what an operator's tools may do: create and configure topics, read dead letters, write them back to their source.

    The operator does not read the topics themselves: a dead letter shows what went wrong with one record, never the feed.
    """
    principal = principal_name("spikewatch", "operator")
    declared = tuple(every_topic() if topics is None else topics)
    administer = (Operation.ALTER, Operation.ALTER_CONFIGS, Operation.CREATE, Operation.DESCRIBE, Operation.DESCRIBE_CONFIGS)
    grants = [
        Grant(principal, "cluster", "kafka-cluster", (Operation.DESCRIBE,)),
        Grant(principal, "group", f"{principal}.", (Operation.DESCRIBE, Operation.READ), "prefix"),
    ]
    for topic in declared:
        grants.append(Grant(principal, "topic", topic.name, administer))
        grants.extend(Grant(principal, "group", group, (Operation.DESCRIBE,)) for group in topic.consumers)
        if topic.name.endswith(".dlq"):
            grants.append(Grant(principal, "topic", topic.name, (Operation.READ,)))
        elif topic.consumers:
            grants.append(Grant(principal, "topic", topic.name, (Operation.WRITE,)))
    return tuple(grants)
