"""Strimzi resources (``kafka.strimzi.io/v1``) of the declared topics and of the principals that use them."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import yaml

from spikewatch.contracts.access import Grant, agency_grants, operator_grants, service_grants, services, subscriber_grants
from spikewatch.contracts.topics import Topic, every_topic

__all__ = ["CLUSTER", "agency_user", "as_yaml", "subscriber_user", "topic_resources", "user_resources"]

CLUSTER: Final = "spikewatch"
"""Name of the Kafka resource that topics and principals belong to."""
_API = "kafka.strimzi.io/v1"
_REPLICAS = 3
# With three replicas a write is acknowledged by two: one broker may be down without loss and without a stop.
_MIN_IN_SYNC = "2"
# One agency cannot crowd out the others: 1 MiB/s a broker is about 2,000 records of 500 bytes a second.
_AGENCY_BYTES_PER_SECOND = 1_048_576

Resource = dict[str, Any]


def topic_resources(topics: Iterable[Topic] | None = None, *, cluster: str = CLUSTER) -> tuple[Resource, ...]:
    """Return one KafkaTopic for every declared topic and dead-letter topic."""
    return tuple(_topic(topic, cluster) for topic in (every_topic() if topics is None else topics))


def _topic(topic: Topic, cluster: str) -> Resource:
    return {
        "apiVersion": _API,
        "kind": "KafkaTopic",
        "metadata": {"name": topic.name, "labels": _labels(cluster, "topic"), "annotations": {"spikewatch.org/summary": topic.summary}},
        "spec": {
            "partitions": topic.partitions,
            "replicas": _REPLICAS,
            "config": dict(sorted({**topic.configuration, "min.insync.replicas": _MIN_IN_SYNC}.items())),
        },
    }


def user_resources(topics: Iterable[Topic] | None = None, *, cluster: str = CLUSTER) -> tuple[Resource, ...]:
    """Return a KafkaUser for each service and for the operator's tools. Agencies and subscribers come one by one."""
    declared = tuple(every_topic() if topics is None else topics)
    parts = [service_grants(service, declared) for service in services(declared)]
    return tuple(_user(grants, cluster) for grants in (*parts, operator_grants(declared)))


def agency_user(agency: str, *, cluster: str = CLUSTER) -> Resource:
    """Return the KafkaUser of an agency that sends by Kafka, with its quota in bytes a second and broker."""
    user = _user(agency_grants(agency), cluster)
    user["spec"]["quotas"] = {"producerByteRate": _AGENCY_BYTES_PER_SECOND}
    return user


def subscriber_user(subscriber: str, *, cluster: str = CLUSTER) -> Resource:
    """Return the KafkaUser of a downstream subscriber."""
    return _user(subscriber_grants(subscriber), cluster)


def _user(grants: Sequence[Grant], cluster: str) -> Resource:
    return {
        "apiVersion": _API,
        "kind": "KafkaUser",
        "metadata": {"name": grants[0].principal, "labels": _labels(cluster, "principal")},
        "spec": {
            "authentication": {"type": "scram-sha-512"},
            "authorization": {"type": "simple", "acls": [_acl(grant) for grant in grants]},
        },
    }


def _acl(grant: Grant) -> Resource:
    resource: Resource = {"type": grant.resource}
    if grant.resource != "cluster":  # Strimzi's cluster resource has no name
        resource |= {"name": grant.name, "patternType": grant.pattern}
    return {"type": "allow", "resource": resource, "operations": [str(operation) for operation in grant.operations], "host": "*"}


def _labels(cluster: str, component: str) -> Resource:
    return {"strimzi.io/cluster": cluster, "app.kubernetes.io/component": component, "app.kubernetes.io/part-of": "spikewatch"}


def as_yaml(resources: Iterable[Resource]) -> str:
    """Return the resources as one YAML stream."""
    return str(yaml.safe_dump_all(resources, sort_keys=False, width=140, explicit_start=True))
