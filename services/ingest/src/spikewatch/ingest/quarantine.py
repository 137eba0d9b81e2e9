"""What waits in the dead letters of the submissions topic holds nothing readable that a sender wrote, whoever refused it and why.

A record that opens under the key of its agency, and around which nothing but known forms stands, waits as it came: it is sealed
already. Everything else is sealed whole, key and headers included, under a quarantine key that proves nothing. When such a letter is
replayed, the normaliser takes the original out again and judges it as if it had just come.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from spikewatch.chassis.kafka.dead_letter import PREFIX
from spikewatch.chassis.kafka.message import Record
from spikewatch.contracts.cloudevents import Attributes, CloudEventError, read, write
from spikewatch.contracts.identifiers import event_id
from spikewatch.contracts.topics import EventType
from spikewatch.ingest.domain.feeds import FEEDS
from spikewatch.ingest.domain.framing import frame, unframe
from spikewatch.ingest.domain.seal import HEADER, Broken, Kind, Seals
from spikewatch.ingest.intake import AGENCY_SOURCE, FORMAT_HEADER, INDEX_HEADER, SUBMISSION_HEADER
from spikewatch.ingest.profile_book import PROFILE_HEADER

__all__ = ["Quarantine", "body", "original", "with_original"]

_NOBODY: Final = "-"  # no agency's key: whose it is may be what is wrong with it
_SOURCE: Final = "/spikewatch/ingest"
_MEDIA_TYPE: Final = "application/octet-stream"
_UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# The headers beside a sealed value that may stand readable, each only in a form that holds no text of a person.
_FORMS: Final = {
    name: re.compile(form.encode())
    for name, form in {
        "ce_specversion": r"1\.0",
        "ce_id": _UUID,
        "ce_source": AGENCY_SOURCE + r"[a-z0-9-]{1,63}",
        "ce_type": re.escape(EventType.SUBMISSION_RECEIVED.value),
        "ce_time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)",
        "ce_subject": _UUID,
        "content-type": "|".join({re.escape(name) for feed in FEEDS.values() for name in feed.splits}),
        "traceparent": r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}",
        HEADER: f"{Kind.GATEWAY.value}|{Kind.AGENCY.value}",
        FORMAT_HEADER: "|".join(FEEDS),
        PROFILE_HEADER: r"[a-z0-9-]{1,63}(?:@[0-9]{1,9})?",
        SUBMISSION_HEADER: _UUID,
        INDEX_HEADER: r"[0-9]{1,9}",
    }.items()
}
# Only our gateway has looked whether the directory knows the profile, and whose part of a submission it is.
_OF_AGENCIES: Final = _FORMS.keys() - {PROFILE_HEADER, SUBMISSION_HEADER, INDEX_HEADER, "ce_subject"}


class Quarantine:
    """Wraps what the normaliser's subscription dead-letters (the chassis's ``Wrapping``).

    Args:
        seals: the keys.
        is_agency: whether the directory has an agency of that id; only such an id stays readable as the key of a letter.
    """

    def __init__(self, seals: Seals, is_agency: Callable[[str], bool]) -> None:
        self._seals = seals
        self._is_agency = is_agency

    def wrap(self, record: Record) -> Record:
        """Return the record if nothing of it is readable, else one that holds it whole, sealed."""
        if _is_sealed_by_its_agency(self._seals, record) or original(self._seals, record) is not None:
            return record
        # The same place gives the same id, so that a letter that is written twice is recognised.
        ce_id = str(event_id(EventType.SUBMISSION_RECEIVED, _NOBODY, f"{record.partition}/{record.offset}"))
        content = frame(record.key, record.value, record.headers)
        attributes = Attributes(id=ce_id, source=_SOURCE, type=EventType.SUBMISSION_RECEIVED, content_type=_MEDIA_TYPE)
        value = self._seals.seal(Kind.QUARANTINE, _NOBODY, content, ce_id=ce_id, ce_source=_SOURCE, content_type=_MEDIA_TYPE)
        key = record.key if record.key is not None and self._is_agency(record.key.decode(errors="replace")) else None
        return replace(record, key=key, value=value, headers=(*write(attributes), (HEADER, Kind.QUARANTINE.value.encode())))

    def unwrap(self, record: Record) -> Record:
        """Return the record that was sealed whole, or the record itself."""
        return original(self._seals, record) or record


def original(seals: Seals, record: Record) -> Record | None:
    """Return the record that a quarantined one holds, byte for byte; None if it is none, or of another key."""
    if record.header(HEADER) != Kind.QUARANTINE.value.encode() or record.value is None:
        return None
    ce_id = (record.header("ce_id") or b"").decode(errors="replace")
    try:
        content = seals.open(Kind.QUARANTINE, _NOBODY, record.value, ce_id=ce_id, ce_source=_SOURCE, content_type=_MEDIA_TYPE)
    except Broken:
        return None
    key, value, headers = unframe(content)
    return replace(record, key=key, value=value, headers=headers)


def with_original(seals: Seals, letter: Record) -> Record:
    """Return a dead letter with what it holds taken out of quarantine and its reason headers kept."""
    found = original(seals, letter)
    reasons = tuple((name, value) for name, value in letter.headers if name.startswith(PREFIX))
    return letter if found is None else replace(found, headers=(*found.headers, *reasons))


def body(seals: Seals, record: Record) -> bytes:
    """Return what the agency wrote: below its seal if there is one that opens, else the value as it is."""
    kind = {kind.value.encode(): kind for kind in (Kind.GATEWAY, Kind.AGENCY)}.get(record.header(HEADER) or b"")
    if kind is not None:
        try:
            attributes, value = read(record.headers, record.value)
            return seals.open(
                kind,
                attributes.source.removeprefix(AGENCY_SOURCE),
                value or b"",
                ce_id=attributes.id,
                ce_source=attributes.source,
                content_type=attributes.content_type,
            )
        except (Broken, CloudEventError):
            pass
    return record.value or b""


def _is_sealed_by_its_agency(seals: Seals, record: Record) -> bool:
    headers = dict(record.headers)
    if len(headers) < len(record.headers) or not {HEADER, "ce_id", "ce_source", "content-type"} <= headers.keys() or record.value is None:
        return False
    told: dict[str, str] = {}
    for name, value in headers.items():
        form = _FORMS.get(name)
        if form is None or value is None or not form.fullmatch(value):
            return False
        told[name] = value.decode()
    agency, kind = told["ce_source"].removeprefix(AGENCY_SOURCE), Kind(told[HEADER])
    if record.key != agency.encode() or (kind is Kind.AGENCY and not told.keys() <= _OF_AGENCIES):
        return False
    try:
        seals.open(kind, agency, record.value, ce_id=told["ce_id"], ce_source=told["ce_source"], content_type=told["content-type"])
    except Broken:
        return False
    return True
