"""Builds valid records from what a caller drafts, and tells every field at fault at once."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import available_timezones

from pydantic import ValidationError

from spikewatch.contracts.directory import (
    AgencyRecord,
    ContactRecord,
    ContactRole,
    ProfileRecord,
    ProviderRecord,
    RuleRecord,
    ServiceRecord,
    ServiceStatus,
)
from spikewatch.contracts.vocabulary import SourceType
from spikewatch.directory.domain.names import Kind, ResourceName
from spikewatch.directory.domain.refusals import FieldProblem, InvalidFields

__all__ = [
    "MODELS",
    "Draft",
    "Record",
    "build",
    "content_digest",
    "draft_of",
    "fingerprint",
    "problem_of",
    "profile_id",
    "supersedes",
    "writable",
]

Record = AgencyRecord | ProviderRecord | ServiceRecord | ContactRecord | ProfileRecord | RuleRecord
Draft = Mapping[str, Any]
"""The writable fields that a caller has set."""

MODELS: Final[dict[Kind, type[Record]]] = {
    Kind.AGENCY: AgencyRecord,
    Kind.PROVIDER: ProviderRecord,
    Kind.SERVICE: ServiceRecord,
    Kind.CONTACT: ContactRecord,
    Kind.PROFILE: ProfileRecord,
    Kind.RULE: RuleRecord,
}
_SET_BY_US: Final = frozenset({"name", "etag", "version", "update_time", "kind", "agency_id", "provider", "parent"})
# What a rule may change under its version, since none of it changes what a window must hold to be a spike.
_DECIDES_NOTHING: Final = frozenset({"description", "source", "enabled"})
_MOST_ITEMS: Final = 1_000  # areas or categories; keeps a record far below the topic's message limit

_EXPECTED: Final[dict[str, tuple[str, str]]] = {
    "display_name": ("a name of 1 to 128 characters", "Cedar County EMS"),
    "source_type": (f"one of {', '.join(SourceType)}", SourceType.EMS),
    "state": ("active or suspended", "active"),
    "time_zone": ("an IANA time zone", "America/New_York"),
    "county_fips": ("five digits", "42091"),
    "sends_every_s": ("seconds, more than 0", "86400"),
    "areas": ("at most 1000 areas written kind:code", "county:42091"),
    "description": ("at most 512 characters", ""),
    "website": ("a web address of at most 128 characters", "https://recovery.example"),
    "status": (f"one of {', '.join(ServiceStatus)}", ServiceStatus.ACTIVE),
    "categories": ("at most 1000 words of at most 128 characters", "naloxone"),
    "lat": ("degrees from -90 to 90, together with lon", "40.12"),
    "lon": ("degrees from -180 to 180, together with lat", "-75.34"),
    "assured_date": ("an ISO 8601 date", "2026-05-01"),
    "organization": ("a name of 1 to 128 characters", "Cedar County Health Department"),
    "role": (f"one of {', '.join(ContactRole)}", ContactRole.DUTY_DESK),
    "email": ("an e-mail address", "duty@health.example"),
    "profile": ("2 to 32 of a-z, 0-9, - and _, which with the version makes the id", "tablet-export"),
    "profile_version": ("a whole number from 1, which with the name makes the id", "1"),
    "content": ("a profile in YAML of at most 65536 bytes", "name: tablet-export"),
    "rule_version": ("a whole number from 1, the version that the document says", "1"),
    "document": ("one JSON object of at most 65536 characters with the record's id and version", '{"id": "cedar-24h", "version": 1}'),
    "phone": ("a telephone number of digits, spaces and + - ( ) .", "+1-555-0100"),
}


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


# What the wire model leaves open: it also reads records that older versions wrote.
_CHECKS: Final[dict[str, Callable[[Any], bool]]] = {
    "display_name": lambda text: bool(text.strip()),
    "organization": lambda text: bool(text.strip()),
    "time_zone": lambda text: text in available_timezones(),
    "county_fips": re.compile(r"\d{5}", re.ASCII).fullmatch,  # type: ignore[dict-item]  # a match is truthy
    "website": re.compile(r"https?://[^\s/]+\S*").fullmatch,  # type: ignore[dict-item]  # a match is truthy
    "email": re.compile(r"[^@\s]+@[^@\s]+").fullmatch,  # type: ignore[dict-item]  # a match is truthy
    "phone": re.compile(r"\+?[\d ().-]{3,40}", re.ASCII).fullmatch,  # type: ignore[dict-item]  # a match is truthy
    "assured_date": _is_date,
    "areas": lambda items: len(items) <= _MOST_ITEMS,
    "categories": lambda items: len(items) <= _MOST_ITEMS,
}


def profile_id(profile: str, version: int) -> str:
    """Return the id of one version of a profile: ``tablet-export-v1``."""
    return f"{profile.replace('_', '-')}-v{version}"


def writable(kind: Kind) -> tuple[str, ...]:
    """Return the fields a caller may set."""
    return tuple(name for name in MODELS[kind].model_fields if name not in _SET_BY_US)


def draft_of(record: Record) -> dict[str, Any]:
    """Return the writable fields of a record that are set."""
    values = record.model_dump(exclude=set(_SET_BY_US), exclude_none=True)
    return {name: value for name, value in values.items() if value not in ((), "")}


def fingerprint(draft: Draft) -> str:
    """Return the same text for the same content."""
    return hashlib.sha256(json.dumps(draft, sort_keys=True, default=str).encode()).hexdigest()


def content_digest(record: Record) -> str | None:
    """Return the same text for the same content of a profile, or of what decides in a rule; None for all else."""
    if isinstance(record, RuleRecord):
        decides = {field: value for field, value in (_object_of(record.document) or {}).items() if field not in _DECIDES_NOTHING}
        return f"{record.rule_version} {fingerprint(decides)}"
    if not isinstance(record, ProfileRecord):
        return None
    # The name too: a-b and a_b share an id, and reports tell them apart.
    return fingerprint({"profile": record.profile, "content": record.content})


def supersedes(offered: RuleRecord, kept: str) -> bool:
    """Return whether a rule may follow the one of a digest: it has a higher version, or decides the same under the same one."""
    return offered.rule_version > int(kept.partition(" ")[0]) or content_digest(offered) == kept


def _object_of(document: str) -> dict[str, Any] | None:
    """Return a JSON object; None for any other text."""
    try:
        found = json.loads(document, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _validated(kind: Kind, values: Mapping[str, Any]) -> tuple[Record | None, dict[str, str]]:
    problems: dict[str, str] = {}
    try:
        return MODELS[kind].model_validate(values), problems
    except ValidationError as error:
        for one in error.errors(include_input=False, include_url=False, include_context=False):
            problems.setdefault(str(one["loc"][0]), "is missing" if one["type"] == "missing" else "is not right")
    return None, problems


def _wrong_rule(name: ResourceName, record: RuleRecord) -> dict[str, str]:
    """Say what of a rule's shape is not right; what the rule means is for the alerts service to judge."""
    found = _object_of(record.document)
    if found is None:
        return {"document": "is no JSON object"}
    if found.get("id") != name.id:
        return {"document": "does not name the rule's id"}
    if type(found.get("version")) is not int or found["version"] != record.rule_version:
        return {"rule_version": "is not the version that the document says"}
    return {}


def _refuse(name: str) -> None:
    raise ValueError(name)  # NaN and the like are no JSON


def problem_of(kind: Kind, field: str, problem: str) -> FieldProblem:
    """Say what is wrong with a writable field, and what would have been right."""
    return FieldProblem(f"{kind}.{field}", problem, *_EXPECTED[field])


def build(name: ResourceName, draft: Draft, *, version: int, now: datetime) -> Record:
    """Return the record that a draft makes.

    Raises:
        InvalidFields: with every field at fault.
    """
    owner = {"agency_id": name.id, "provider": name.parent, "parent": name.parent}
    values = {
        **{field: value for field, value in draft.items() if field in writable(name.kind)},
        **{field: value for field, value in owner.items() if field in MODELS[name.kind].model_fields},
        "name": name.text,
        "version": version,
        "etag": hashlib.sha256(f"{name.text}\x1f{version}".encode()).hexdigest()[:16],
        "update_time": now,
    }
    record, problems = _validated(name.kind, values)
    for field, is_right in _CHECKS.items():
        value = values.get(field)
        if value is not None and field not in problems and not is_right(value):
            problems[field] = "is not right" if value else "is missing"
    for one_of, other in (("lat", "lon"), ("lon", "lat")):
        if values.get(one_of) is not None and values.get(other) is None:
            problems.setdefault(other, "is missing")
    if isinstance(record, ProfileRecord) and name.id != profile_id(record.profile, record.profile_version):
        problems.setdefault("profile_version", "does not make the id, nor does the profile's name")
    if isinstance(record, RuleRecord):
        problems = _wrong_rule(name, record) | problems
    if problems or record is None:
        raise InvalidFields([problem_of(name.kind, field, text) for field, text in problems.items()])
    return record
