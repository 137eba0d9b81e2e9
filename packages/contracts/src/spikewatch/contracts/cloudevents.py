"""CloudEvents 1.0 on Kafka: binary mode written, binary and structured mode read.

The only module that knows the ``ce_`` headers. Headers stay bytes until they are asked for, because a record
from outside may hold anything.
"""

import json
import re
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import TypeAdapter, ValidationError

from spikewatch.contracts.contract import UtcDatetime

__all__ = ["Attributes", "CloudEventError", "Headers", "read", "write"]

_STRUCTURED = b"application/cloudevents"
_STRUCTURED_JSON = b"application/cloudevents+json"
_TIME = TypeAdapter(UtcDatetime)
_USUAL_TIME = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z")

Headers = Iterable[tuple[str, bytes | None]]
"""Kafka headers as they came: a name may repeat, a value may be null or no UTF-8."""


class CloudEventError(ValueError):
    """The record is not a CloudEvent we can read; it is dead-lettered, a retry would not help.

    Attributes:
        field: the attribute at fault, for example ``ce_id``.
        expected: what would have been right, with an example.
    """

    def __init__(self, field: str, problem: str, expected: str) -> None:
        super().__init__(f"{field}: {problem}; expected {expected}")
        self.field = field
        self.problem = problem
        self.expected = expected


@dataclass(slots=True)  # not frozen: one is made for every record, and that costs four times as much
class Attributes:
    """The context attributes of a CloudEvent."""

    id: str
    source: str
    type: str
    time: datetime | None = None
    subject: str | None = None
    dataschema: str | None = None
    content_type: str = "application/json"


def write(attributes: Attributes) -> list[tuple[str, bytes]]:
    """Return the headers of a record in binary mode; the value is the body as it is."""
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", attributes.id.encode()),
        ("ce_source", attributes.source.encode()),
        ("ce_type", attributes.type.encode()),
        ("content-type", attributes.content_type.encode()),
    ]
    if attributes.time is not None:
        moment = attributes.time.astimezone(UTC).isoformat().replace("+00:00", "Z")
        headers.append(("ce_time", moment.encode()))
    if attributes.subject is not None:
        headers.append(("ce_subject", attributes.subject.encode()))
    if attributes.dataschema is not None:
        headers.append(("ce_dataschema", attributes.dataschema.encode()))
    return headers


def read(headers: Headers, value: bytes | None) -> tuple[Attributes, bytes | None]:
    """Return the attributes and the body of a record in binary or structured mode.

    A null value in binary mode is a tombstone and comes back as ``None``.

    Raises:
        CloudEventError: a mandatory attribute is missing or cannot be read, or the structured form is unknown.
    """
    # The last of repeated headers wins, as in Kafka's own lastHeader().
    raw = dict(headers)
    content_type = raw.get("content-type") or b""
    if content_type.lower().startswith(_STRUCTURED):
        return _read_structured(content_type.lower(), value)
    usual = _read_usual(raw, content_type)
    if usual is not None:
        return usual, value
    if (version := _text(raw, "ce_specversion")) != "1.0":
        raise CloudEventError("ce_specversion", "is missing" if version is None else "is another version", "1.0")
    return (
        Attributes(
            id=_required(raw, "ce_id"),
            source=_required(raw, "ce_source"),
            type=_required(raw, "ce_type"),
            time=_moment("ce_time", _text(raw, "ce_time")),
            subject=_text(raw, "ce_subject"),
            dataschema=_text(raw, "ce_dataschema"),
            content_type=_text(raw, "content-type") or "application/json",
        ),
        value,
    )


def _read_usual(raw: Mapping[str, bytes | None], content_type: bytes) -> Attributes | None:
    """Return the attributes as our own services write them, at a third of the cost; None where they look otherwise."""
    name, source, kind, time, subject = (
        raw.get("ce_id"),
        raw.get("ce_source"),
        raw.get("ce_type"),
        raw.get("ce_time"),
        raw.get("ce_subject"),
    )
    if not (name and source and kind and time and subject and content_type) or raw.get("ce_specversion") != b"1.0":
        return None
    if "ce_dataschema" in raw or not _USUAL_TIME.fullmatch(time):
        return None
    try:
        moment = datetime.fromisoformat(time.decode())
        return Attributes(name.decode(), source.decode(), kind.decode(), moment, subject.decode(), None, content_type.decode())
    except ValueError:  # also UnicodeDecodeError, which is one: what is wrong is found out slowly
        return None


def _read_structured(content_type: bytes, value: bytes | None) -> tuple[Attributes, bytes]:
    if not content_type.startswith(_STRUCTURED_JSON):
        raise CloudEventError("content-type", "names a structured form we do not read", "application/cloudevents+json")
    try:
        event = json.loads(value or b"")
    except (ValueError, RecursionError):
        raise CloudEventError("value", "is not JSON", 'a JSON event, for example {"specversion":"1.0",…}') from None
    if not isinstance(event, dict):
        raise CloudEventError("value", "is not a JSON object", 'a JSON event, for example {"specversion":"1.0",…}')
    if event.get("specversion") != "1.0":
        raise CloudEventError("specversion", "is missing or other", "1.0")
    text = {name: event.get(name) for name in ("id", "source", "type", "time", "subject", "dataschema", "datacontenttype")}
    for name, part in text.items():
        if part is None and name not in {"id", "source", "type"}:
            continue
        if not isinstance(part, str) or not part or _has_surrogate(part):
            raise CloudEventError(name, "is missing, empty or no text", f'a text, for example "{name}":"…"')
    attributes = Attributes(
        id=str(text["id"]),
        source=str(text["source"]),
        type=str(text["type"]),
        time=_moment("time", text["time"]),
        subject=text["subject"],
        dataschema=text["dataschema"],
        content_type=text["datacontenttype"] or "application/json",
    )
    return attributes, _structured_body(event)


def _structured_body(event: Mapping[str, object]) -> bytes:
    encoded = event.get("data_base64")
    if encoded is not None:
        try:
            return b64decode(str(encoded), validate=True)
        except ValueError:  # also binascii.Error, which is one, and text that is not ASCII
            raise CloudEventError("data_base64", "is not base64", "base64 text") from None
    body = event.get("data")
    try:
        if isinstance(body, str) and not str(event.get("datacontenttype") or "application/json").startswith("application/json"):
            return body.encode()
        return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):  # a lone surrogate such as "\\ud800", or lists in lists without end
        raise CloudEventError("data", "cannot be written as UTF-8", "text without lone surrogates, nested less deeply") from None


def _has_surrogate(text: str) -> bool:
    """Whether the text holds half a character, as an escape of JSON may give; it could not be written to a header."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def _text(raw: Mapping[str, bytes | None], name: str) -> str | None:
    value = raw.get(name)
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise CloudEventError(name, "is not UTF-8", "UTF-8 text") from None


def _required(raw: Mapping[str, bytes | None], name: str) -> str:
    text = _text(raw, name)
    if not text:
        raise CloudEventError(name, "is missing", f"a text header, for example {name}: …")
    return text


def _moment(name: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return _TIME.validate_strings(text)
    except ValidationError:
        raise CloudEventError(name, "is not a time with a zone", "RFC 3339, for example 2026-05-01T14:03:00Z") from None
