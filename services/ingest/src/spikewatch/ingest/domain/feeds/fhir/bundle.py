"""Cuts Bundles into records: one Encounter, or one decedent's case, each with the resources that belong to it."""

import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, NoReturn

from typing_extensions import override

from spikewatch.ingest.domain.feeds.fhir.element import Element
from spikewatch.ingest.domain.feeds.fhir.graph import MOST_RESOURCES, Belongings, Group, Resource, belongings, kind_of, member
from spikewatch.ingest.domain.record import RawRecord, as_text, over_limit
from spikewatch.ingest.domain.rejection import Fault, Rejected

__all__ = ["split_json", "split_lines"]

_MAX_DEPTH: Final = 40  # of FHIR; the deepest real resource, a questionnaire, has about twenty levels
_MAX_BUNDLES: Final = 3  # of Bundles in Bundles: a batch of messages has two
_EXAMPLE: Final = '{"resourceType": "Bundle", "type": "collection", "entry": [{"resource": {"resourceType": "Encounter", …}}]}'
_EXPECTED: Final = "a FHIR R4 Bundle, or one resource or Bundle a line"
_READ: Final = frozenset({"Encounter", "Observation", "Composition", "DiagnosticReport", "Patient", "Condition"})


@dataclass(slots=True)
class _Cut(RawRecord):
    """A record that writes itself only when it must wait or be replayed."""

    @override
    def alone(self) -> bytes:
        record = self.fields.get("record")
        if isinstance(record, Belongings):
            return json.dumps(record.bundle(), separators=(",", ":")).encode()
        return self.original.encode(errors="replace")


def split_json(stream: BinaryIO, limit: int) -> Iterator[RawRecord]:
    """Cut one Bundle, one resource, or an array of them."""
    value = _decode(as_text(stream.read()))
    parts = value if isinstance(value, list) else [value]
    if not parts:
        raise _malformed("is an empty array")
    yield from _numbered(_cut([(1, part, "") for part in parts], has_many=isinstance(value, list)), limit)


def split_lines(stream: BinaryIO, limit: int) -> Iterator[RawRecord]:
    """Cut lines of Bundles, or of the resources of a bulk export; a broken line is refused alone."""
    text = as_text(stream.read())

    def parts() -> Iterator[tuple[int, object, str]]:
        for number, line in enumerate(io.StringIO(text, newline=None), start=1):
            if line.strip():
                try:
                    yield number, _decode(line), line
                except Rejected as rejected:
                    yield number, rejected, line

    yield from _numbered(_cut(parts(), has_many=True), limit)


def _numbered(records: Iterable[RawRecord], limit: int) -> Iterator[RawRecord]:
    for index, record in enumerate(records):
        if index >= limit:
            raise over_limit(limit)
        yield _Cut(index, record.line, record.original, record.fields, rejected=record.rejected)


def _cut(parts: Iterable[tuple[int, object, str]], *, has_many: bool) -> Iterator[RawRecord]:
    loose = Group()  # resources that stand alone refer to each other
    for number, (line, value, original) in enumerate(parts):
        prefix = f"[{number}]" if has_many and not original else ""
        kind = kind_of(value)
        if isinstance(value, Rejected):
            yield _Cut(0, line, original, rejected=value)
        elif kind == "Bundle":
            yield from _bundle(Element(value, f"Bundle{prefix}"), line, _MAX_BUNDLES)
        elif kind is not None and _is_shallow(value):
            loose.add(Resource(kind, Element(value, f"{kind if kind in _READ else 'resource'}{prefix}"), line))
        else:
            yield _Cut(0, line, original or _dumped(value), rejected=_no_resource(value, prefix))
    if loose.resources:
        yield from _records(loose)


def _bundle(bundle: Element, line: int, levels: int) -> Iterator[RawRecord]:
    """Yield the records of one Bundle, and of the Bundles in it."""
    entries = member(bundle.value, "entry")
    if not isinstance(entries, list) or not entries or not _is_shallow(bundle.value):
        problem = "is nested too deeply" if isinstance(entries, list) and entries else "is missing, empty or no list"
        rejected = Rejected(Fault.MALFORMED, f"{bundle.path}.entry", problem, _EXPECTED, _EXAMPLE)
        yield _Cut(0, line, _dumped(bundle.value), rejected=rejected)
        return
    group = Group(timestamp=member(bundle.value, "timestamp"))
    is_told = has_bundle = False
    for number, entry in enumerate(entries):
        path = f"{bundle.path}.entry[{number}].resource"
        value = member(entry, "resource")
        kind, url = kind_of(value), member(entry, "fullUrl")
        if kind == "Bundle" and levels > 1:
            is_told = has_bundle = True
            yield from _bundle(Element(value, path), line, levels - 1)
        elif kind is not None and kind != "Bundle":
            group.add(Resource(kind, Element(value, path), line, url if isinstance(url, str) else None))
        elif not isinstance(entry, dict) or value is not None:
            is_told = True
            yield _Cut(0, line, _dumped({"resourceType": "Bundle", "entry": [entry]}), rejected=_no_resource(value, path))
        # An entry without a resource is a request to delete, or an answer; neither is a record.
    if group.resources or not is_told:
        yield from _records(group, is_envelope=has_bundle)


def _records(group: Group, *, is_envelope: bool = False) -> Iterator[RawRecord]:
    """Yield a record for each Encounter and each case; one that is refused where there is neither, and no Bundle inside that tells more."""
    is_empty = not is_envelope
    for record in belongings(group):
        is_empty, rejected = False, None
        if len(record.others) >= MOST_RESOURCES:
            expected = f"at most {MOST_RESOURCES} resources a record"
            rejected = Rejected(Fault.TOO_LARGE, record.root.element.path, "has too many resources", expected, _EXAMPLE)
        yield _Cut(0, record.root.line, "", {"record": record}, rejected=rejected)
    if is_empty:
        problem, expected = "holds no Encounter and no decedent's case", "an Encounter, or the Observations of a death"
        rejected = Rejected(Fault.MISSING_FIELD, "Bundle.entry", problem, expected, _EXAMPLE)
        entries = [resource.entry() for resource in group.resources]
        line = group.resources[0].line if group.resources else 1
        yield _Cut(0, line, _dumped({"resourceType": "Bundle", "type": "collection", "entry": entries}), rejected=rejected)


def _no_resource(value: object, path: str) -> Rejected:
    if kind_of(value) == "Bundle":
        return Rejected(Fault.MALFORMED, path or None, "is a Bundle in too many Bundles", f"at most {_MAX_BUNDLES} levels", _EXAMPLE)
    if kind_of(value) is not None:
        return Rejected(Fault.MALFORMED, path or None, "is nested too deeply", f"at most {_MAX_DEPTH} levels", _EXAMPLE)
    return Rejected(Fault.MALFORMED, f"{path}.resourceType".removeprefix("."), "is missing or no name of a resource", _EXPECTED, _EXAMPLE)


def _dumped(value: object) -> str:
    try:
        return json.dumps(value, separators=(",", ":"))
    except RecursionError:
        return "{}"


def _is_shallow(value: object) -> bool:
    layer = [value]
    for _ in range(_MAX_DEPTH):
        layer = [
            part
            for whole in layer
            for part in (whole.values() if isinstance(whole, dict) else whole if isinstance(whole, list) else ())
            if isinstance(part, dict | list)
        ]
        if not layer:
            return True
    return False


def _no_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_no_constant)


def _decode(text: str) -> object:
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        if text.lstrip()[:1] == "<":
            raise _malformed("is XML, and FHIR is read as JSON") from None
        raise _malformed(f"is not JSON: breaks off near character {error.pos}") from None
    except (ValueError, RecursionError):
        raise _malformed("holds a number or a nesting that is no record's") from None


def _malformed(problem: str) -> Rejected:
    return Rejected(Fault.MALFORMED, None, problem, _EXPECTED, _EXAMPLE)
