"""Records as protobuf messages and back; field names are the same on both sides, a test proves it."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from spikewatch.api.directory.v1 import agency_pb2, contact_pb2, profile_pb2, provider_pb2, rule_pb2, service_pb2
from spikewatch.contracts.directory import ContactRole
from spikewatch.directory.domain.names import Kind
from spikewatch.directory.domain.records import MODELS, Record, problem_of, writable
from spikewatch.directory.domain.refusals import InvalidFields

__all__ = ["MESSAGES", "draft_from", "message_from", "record_from", "roles_from", "to_message"]

MESSAGES: Final[dict[Kind, type[Message]]] = {
    Kind.AGENCY: agency_pb2.Agency,
    Kind.PROVIDER: provider_pb2.Provider,
    Kind.SERVICE: service_pb2.Service,
    Kind.CONTACT: contact_pb2.Contact,
    Kind.PROFILE: profile_pb2.Profile,
    Kind.RULE: rule_pb2.Rule,
}


def _prefix(enum: Any) -> str:
    return str(enum.values_by_number[0].name).removesuffix("UNSPECIFIED")


def _word(enum: Any, number: int) -> str:
    """Return the record's word: SERVICE_STATUS_TEMPORARILY_CLOSED is ``temporarily closed``, SOURCE_TYPE_CAD ``cad``."""
    value = enum.values_by_number.get(number)
    if value is None:
        return "unknown number"  # refused by the record's own validation
    word = str(value.name).removeprefix(_prefix(enum)).lower()
    return word.replace("_", " ") if enum.name == "ServiceStatus" else word


def _number(enum: Any, word: str) -> int:
    return int(enum.values_by_name[_prefix(enum) + word.upper().replace(" ", "_")].number)


def to_message(record: Record) -> Any:
    """Return the protobuf message of a record."""
    message = MESSAGES[Kind(record.kind)]()
    for field in message.DESCRIPTOR.fields:
        value = getattr(record, field.name)
        if value is None:
            continue
        if field.name == "update_time":
            moment = Timestamp()
            moment.FromDatetime(value)
            message.update_time.CopyFrom(moment)  # type: ignore[attr-defined]  # every record has it
        elif isinstance(value, tuple):
            getattr(message, field.name).extend(value)
        else:
            setattr(message, field.name, _number(field.enum_type, value) if field.type == FieldDescriptor.TYPE_ENUM else value)
    return message


def draft_from(kind: Kind, message: Message) -> dict[str, Any]:
    """Return the writable fields that the message sets."""
    draft: dict[str, Any] = {}
    allowed = writable(kind)
    for field, value in message.ListFields():
        if field.name not in allowed:
            continue
        if field.type == FieldDescriptor.TYPE_ENUM:
            draft[field.name] = _word(field.enum_type, value)
        elif isinstance(value, str | float | int):
            draft[field.name] = value
        else:
            draft[field.name] = tuple(value)
    return {field: value for field, value in draft.items() if value != ""}


def record_from(kind: Kind, message: Any) -> Record:
    """Return the record that the service sent as a message; for clients."""
    values = draft_from(kind, message)
    for name in ("name", "etag", "version", "agency_id", "provider", "parent"):
        if name in MODELS[kind].model_fields:
            values[name] = getattr(message, name)
    return MODELS[kind].model_validate(values | {"update_time": message.update_time.ToDatetime(tzinfo=UTC)})


def message_from(kind: Kind, fields: Mapping[str, Any]) -> Any:
    """Return the message of a record written as JSON; for clients. Output-only and unknown fields are left out.

    Raises:
        InvalidFields: a value is of the wrong type or no word of its list; all of them are told.
    """
    message: Any = MESSAGES[kind]()
    problems = []
    for name in writable(kind):
        value = fields.get(name)
        if value is None:
            continue
        field = message.DESCRIPTOR.fields_by_name[name]
        try:
            if field.type == FieldDescriptor.TYPE_ENUM:
                setattr(message, name, _number(field.enum_type, value))
            elif isinstance(value, list | tuple):
                getattr(message, name).extend(value)
            else:
                setattr(message, name, value)
        except (AttributeError, KeyError, TypeError, ValueError):
            problems.append(problem_of(kind, name, "is not right"))
    if problems:
        raise InvalidFields(problems)
    message.name = str(fields.get("name", ""))
    return message


def roles_from(numbers: Any) -> tuple[ContactRole, ...]:
    """Return the roles of a request.

    Raises:
        InvalidFields: one is unspecified or unknown.
    """
    enum = contact_pb2.ContactRole.DESCRIPTOR
    try:
        return tuple(ContactRole(_word(enum, number)) for number in numbers)
    except ValueError:
        raise InvalidFields.of("roles", "holds an unknown role", f"some of {', '.join(ContactRole)}", ContactRole.DUTY_DESK) from None
