"""The AsyncAPI 3.0 document of the bus, derived from the declared topics: what to send, what to read, and how to be let in."""

from collections.abc import Iterable
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from spikewatch.contracts.schemas import models
from spikewatch.contracts.topics import INCIDENTS, SUBMISSIONS, Topic, every_topic, service_of

__all__ = ["Document", "document"]

Document = dict[str, Any]

_VERSION: Final = "1.0.0"
_KAFKA_BINDING: Final = "0.5.0"
_BYTES: Final = "application/octet-stream"
_JSON: Final = "application/json"
_ENVELOPE: Final = "CloudEventHeaders"
_SUBMISSION_HEADERS: Final = "SubmissionHeaders"
_DEAD_LETTER_HEADERS: Final = "DeadLetterHeaders"
_INCIDENT_HEADERS: Final = "IncidentHeaders"
_MORE_HEADERS: Final = {SUBMISSIONS.name: _SUBMISSION_HEADERS, INCIDENTS.name: _INCIDENT_HEADERS}

_DESCRIPTION: Final = """Spikewatch's topics. Every record is a CloudEvent 1.0 in Kafka's binary mode: attributes in `ce_` headers, the \
body as the value; a record in structured mode (`application/cloudevents+json`) is accepted too. A null value on a compacted topic is a \
tombstone: what the key names is gone. Delivery is at least once: `ce_source` and `ce_id` together tell a repeated record. Within a \
major version only optional fields and new values of closed lists are added; ignore a field you do not know and treat a value you do \
not know as unknown."""


def document(topics: Iterable[Topic] | None = None) -> Document:
    """Return the AsyncAPI document of the given topics (default: all, dead-letter topics included)."""
    declared = tuple(every_topic() if topics is None else topics)
    return {
        "asyncapi": "3.0.0",
        "id": "urn:spikewatch:bus",
        "info": {
            "title": "Spikewatch",
            "version": _VERSION,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
            "tags": [{"name": owner} for owner in sorted({topic.owner for topic in declared})],
        },
        "defaultContentType": _JSON,
        "servers": _servers(),
        "channels": {topic.name: _channel(topic) for topic in declared},
        "operations": _operations(declared),
        "components": {
            "messages": {topic.name: _message(topic) for topic in declared},
            "schemas": {**_payloads(), **_headers()},
            "securitySchemes": {
                "scram": {"type": "scramSha512", "description": "One Kafka user for each service, agency and subscriber, over TLS."},
                "mutualTls": {"type": "X509", "description": "A client certificate instead of a password."},
            },
        },
    }


def _servers() -> Document:
    security = [{"$ref": "#/components/securitySchemes/scram"}, {"$ref": "#/components/securitySchemes/mutualTls"}]
    return {
        "production": {
            "host": "{bootstrap}",
            "protocol": "kafka-secure",
            "title": "A deployment's brokers",
            "description": "TLS with SCRAM-SHA-512 or a client certificate. Topics are never created by writing to them.",
            "variables": {"bootstrap": {"default": "kafka.example.org:9094", "description": "The operator tells host and port."}},
            "security": security,
            "bindings": {"kafka": {"bindingVersion": _KAFKA_BINDING}},
        },
    }


def _channel(topic: Topic) -> Document:
    configuration = topic.configuration
    return {
        "address": topic.name,
        "title": topic.name,
        "summary": topic.summary,
        "description": f"Key: {topic.key}. Partitioned by {topic.partitioned_by}. Personal data: {topic.personal}.",
        "messages": {topic.content: {"$ref": f"#/components/messages/{topic.name}"}},
        "tags": [{"name": topic.owner}],
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {
                    name: [value] if name == "cleanup.policy" else int(value) for name, value in sorted(configuration.items())
                },
                "bindingVersion": _KAFKA_BINDING,
            }
        },
    }


def _message(topic: Topic) -> Document:
    is_bytes = topic.model is None
    headers: Document = {"$ref": f"#/components/schemas/{_ENVELOPE}"}
    if topic.event_types:
        headers = {"allOf": [headers, {"type": "object", "properties": {"ce_type": {"enum": list(topic.event_types)}}}]}
        if topic.name in _MORE_HEADERS:
            headers["allOf"].append({"$ref": f"#/components/schemas/{_MORE_HEADERS[topic.name]}"})
    elif topic.name.endswith(".dlq"):
        headers = {"$ref": f"#/components/schemas/{_DEAD_LETTER_HEADERS}"}
    return {
        "name": topic.name,
        "title": topic.content if not is_bytes else "Bytes as sent",
        "summary": topic.summary,
        "contentType": _BYTES if is_bytes else _JSON,
        "headers": headers,
        "payload": {"type": "string", "format": "binary"} if is_bytes else {"$ref": f"#/components/schemas/{topic.content}"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": topic.key, "examples": [topic.key_example]},
                "bindingVersion": _KAFKA_BINDING,
            }
        },
    }


def _operations(topics: Iterable[Topic]) -> Document:
    operations: Document = {}
    for topic in topics:
        for producer in topic.producers:
            operations[f"{producer}.send.{topic.name}"] = _operation(topic, "send", f"{producer} writes {topic.name}")
        for group in topic.consumers:
            operation = _operation(topic, "receive", f"{service_of(group)} reads {topic.name}")
            operation["bindings"] = {"kafka": {"groupId": {"type": "string", "enum": [group]}, "bindingVersion": _KAFKA_BINDING}}
            operations[f"{group}.receive.{topic.name}"] = operation
        for reader in topic.readers:
            operations[f"{reader}.receive.{topic.name}"] = _operation(topic, "receive", f"{reader} reads {topic.name}")
    return operations


def _operation(topic: Topic, action: str, summary: str) -> Document:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "summary": summary,
        "messages": [{"$ref": f"#/channels/{topic.name}/messages/{topic.content}"}],
    }


def _payloads() -> Document:
    wanted: list[type[BaseModel]] = list(models().values())
    _, exported = models_json_schema([(model, "validation") for model in wanted], ref_template="#/components/schemas/{model}")
    payloads = {name: _draft_07(part) for name, part in exported["$defs"].items()}
    return dict(sorted(payloads.items()))


def _draft_07(node: Any) -> Any:
    """Rewrite what AsyncAPI's schema dialect says otherwise: a discriminator is the name of the field alone."""
    if isinstance(node, dict):
        rewritten = {key: _draft_07(value) for key, value in node.items()}
        if isinstance(rewritten.get("discriminator"), dict):
            rewritten["discriminator"] = rewritten["discriminator"]["propertyName"]
        return rewritten
    return [_draft_07(part) for part in node] if isinstance(node, list) else node


def _headers() -> Document:
    return {
        _ENVELOPE: _envelope(),
        _SUBMISSION_HEADERS: _submission_headers(),
        _INCIDENT_HEADERS: _incident_headers(),
        _DEAD_LETTER_HEADERS: _dead_letter_headers(),
    }


def _text(description: str, *examples: str, **more: Any) -> Document:
    return {"type": "string", "description": description, "examples": list(examples), **more}


def _envelope() -> Document:
    return {
        "type": "object",
        "description": "CloudEvents 1.0 attributes as UTF-8 headers, and the W3C trace context.",
        "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "content-type"],
        "properties": {
            "ce_specversion": {"type": "string", "enum": ["1.0"]},
            "ce_id": _text("Identifies the event within its source; the same fact published again has the same id.", minLength=1),
            "ce_source": _text("Who published it.", "/agencies/cedar-county-ems", "/services/alerts", minLength=1),
            "ce_type": _text("What happened, with the major version.", "org.spikewatch.alert.opened.v1", minLength=1),
            "ce_time": _text("When it was published, RFC 3339 in UTC.", "2026-05-01T14:03:00Z", format="date-time"),
            "ce_subject": _text("What it is about: the id of the report, incident or alert."),
            "ce_dataschema": _text("Where the schema of the value is."),
            "content-type": _text("Media type of the value.", _JSON),
            "traceparent": _text("W3C trace context.", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            "tracestate": _text("W3C trace state."),
        },
    }


def _submission_headers() -> Document:
    return {
        "type": "object",
        "description": "What a submission carries beside its CloudEvents attributes.",
        "properties": {
            "spikewatch-seal": _text("The value is sealed (AES-256-GCM): by the gateway, or by the agency with its own key.", "g1", "a1"),
            "spikewatch-format": _text("Format of the bytes inside the seal.", "statutory", "cad"),
            "spikewatch-submission": _text("UUID of the submission this record was taken from; set on replay."),
            "spikewatch-record-index": _text("Place of the record in that submission, from 0; set on replay.", "0"),
        },
    }


def _incident_headers() -> Document:
    return {
        "type": "object",
        "description": "What the tombstone of an incident carries beside its CloudEvents attributes.",
        "properties": {
            "ce_mergedinto": _text(
                "The incident that its reports are part of now, the one with most of them; absent when they were withdrawn.",
                "0b7f7a1e-58f5-5a4f-8c1c-8b6f5a0f9d11",
                format="uuid",
            )
        },
    }


def _dead_letter_headers() -> Document:
    reasons = {
        "dlq-id": _text("Identifies the letter; the same record given up again for the same group has the same id."),
        "dlq-reason": _text("Stable code of the reason; filter and replay by it.", "invalid-field", "unknown-agency"),
        "dlq-field": _text("The field at fault; empty where it is the whole record.", "occurred_at"),
        "dlq-problem": _text("What was wrong, without the value itself."),
        "dlq-expected": _text("What would have been right."),
        "dlq-example": _text("A value that would have been accepted."),
        "dlq-exception": _text("Type of the exception, never its message."),
        "dlq-topic": _text("Topic the record came from."),
        "dlq-partition": _text("Partition it came from."),
        "dlq-offset": _text("Offset it had there."),
        "dlq-group": _text("Consumer group that gave up."),
        "dlq-failed-at": _text("When, RFC 3339 in UTC.", format="date-time"),
        "dlq-service": _text("Name and version of the service.", "ingest 0.1.0"),
    }
    return {
        "type": "object",
        "description": "The headers of the original record as they came, and these, which say why it waits here.",
        "required": list(reasons),
        "properties": reasons,
    }
