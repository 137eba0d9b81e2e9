"""Cuts an EMSDataSet into patient care reports, one by one, in memory that does not grow with the file.

Each report is parsed alone, inside the start tags and the DemographicGroup it stands under: a report that is not
well-formed is refused alone, and its tree is free before the next one is read.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import BinaryIO, Final

from lxml import etree
from lxml.etree import _Element

from spikewatch.ingest.domain.feeds.nemsis.elements import NAMESPACE, Pcr, demographics, extract
from spikewatch.ingest.domain.feeds.nemsis.encoding import EXAMPLE, START_TAG, after_prolog, blocks
from spikewatch.ingest.domain.feeds.nemsis.pieces import MOST_BYTES, Kind, Piece, pieces
from spikewatch.ingest.domain.record import RawRecord, over_limit
from spikewatch.ingest.domain.rejection import Fault, Rejected

__all__ = ["RECORD", "Check", "cut"]

Check = Callable[[_Element, int], Rejected | None]
"""Judges the ``EMSDataSet`` element of a document of one report; the number is added to its lines to give those of the file."""

RECORD: Final = "PatientCareReport"
_EXPECTED: Final = "a whole, well-formed PatientCareReport element"
_EXAMPLE: Final = '<PatientCareReport UUID="…">…</PatientCareReport>'
_DECLARATION: Final = b'<?xml version="1.0" encoding="UTF-8"?>\n'
_XINCLUDE: Final = b"www.w3.org/2001/XInclude"
_MOST_TAGS: Final = 200_000
_LONGEST_ROOT: Final = 2_048
_LONGEST_HEADER: Final = 512
_LONGEST_GROUP: Final = 1_024  # its three elements have 15 to 50 characters
# What else agencies have at hand, by the name of its root element.
_OTHER_ROOTS: Final = {
    "DEMDataSet": "is a DEMDataSet, which describes an agency and holds no patient care reports",
    "StateDataSet": "is a StateDataSet, which describes a state and holds no patient care reports",
    "EMSDataSet": "has an EMSDataSet that is in another namespace or in none (NEMSIS v2, or a namespace that got lost)",
    "Envelope": "is wrapped in a SOAP envelope, as for a state's web service",
    "PatientCareReport": "begins with a PatientCareReport that no EMSDataSet and Header stand around",
}
_PROBLEMS: Final = {
    "ERR_TAG_NAME_MISMATCH": "has a closing tag that does not fit the opening one",
    "ERR_UNDECLARED_ENTITY": "uses an entity, and none is ever expanded",
    "ERR_INVALID_CHAR": "holds a character that XML does not allow",
    "ERR_RESOURCE_LIMIT": "is nested too deeply or holds too long a text",
    "NS_ERR_UNDEFINED_NAMESPACE": "uses a namespace prefix that is not declared",
    "ERR_ATTRIBUTE_REDEFINED": "has the same attribute twice",
}


@dataclass
class _Envelope:
    """The tags that a report stands inside, and its agency. They are parsed again with each report, so they are kept short."""

    root: bytes
    header: bytes = b""
    group: bytes = b""
    agency: dict[str, str] = field(default_factory=dict)

    @cached_property
    def before(self) -> bytes:
        return _DECLARATION + self.root + b"\n" + self._opened + b"\n" + self.group

    @cached_property
    def after(self) -> bytes:
        return b"</" + _name(self._opened) + b"></" + _name(self.root) + b">"

    @property
    def _opened(self) -> bytes:
        return self.header or b"<" + _prefix(self.root) + b"Header>"


def cut(stream: BinaryIO, limit: int, *, check: Check | None = None) -> Iterator[RawRecord]:
    """Cut a document into its reports, each read into ``{"PatientCareReport": Pcr}``.

    Raises:
        Rejected: it is no EMSDataSet, has a DTD, holds no report, or holds more than the limit.
    """
    source = blocks(stream)
    head = next(source, b"")
    start = after_prolog(head)
    match = START_TAG.match(head, start)
    envelope = _Envelope(_root(match[0] if match else b""))
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True, collect_ids=False, huge_tree=False
    )
    index, line = 0, 1
    last = Kind.ROOT
    found = pieces(chain((head[start:],), source), 1 + head.count(b"\n", 0, start))
    while True:
        try:
            piece = next(found, None)
            if piece is None:
                break
            last, line = piece.kind, piece.line
            envelope, record = _take(piece, envelope, parser, check, index)
        except Rejected as rejected:
            if index == 0:
                raise
            record, last = RawRecord(index, line, "", rejected=rejected), Kind.BROKEN
        if record is not None:
            if index >= limit:
                raise over_limit(limit)
            yield record
            index += 1
    if last not in {Kind.ROOT_END, Kind.BROKEN, Kind.STRAY}:
        truncated = _malformed("breaks off before its end: what follows is missing")
        if index == 0:
            raise truncated
        yield RawRecord(index, line, "", rejected=truncated)
    elif index == 0:
        raise Rejected(Fault.MALFORMED, None, "holds no PatientCareReport", "at least one", EXAMPLE)


def _take(
    piece: Piece, envelope: _Envelope, parser: etree.XMLParser, check: Check | None, index: int
) -> tuple[_Envelope, RawRecord | None]:
    """Return the envelope for what follows, and the record that the piece is, if it is one."""
    kind, text, line = piece
    if kind is Kind.REPORT:
        return envelope, _record(text, line, envelope, parser, check, index)
    if kind is Kind.GROUP:
        return _with_agency(text, envelope, parser), None
    if kind is Kind.HEADER:
        return _Envelope(envelope.root, header=text if len(text) <= _LONGEST_HEADER else b""), None
    if kind is Kind.HEADER_END:
        return _Envelope(envelope.root), None
    if kind is Kind.ROOT:
        # The first is known already; another one follows where files were joined.
        return _Envelope(_root(text)), None
    if kind is Kind.ROOT_END:
        return envelope, None
    if kind is Kind.LARGE:
        rejected = Rejected(Fault.TOO_LARGE, RECORD, "is too large", f"at most {MOST_BYTES} bytes", _EXAMPLE)
    elif kind is Kind.BROKEN:
        rejected = _malformed("breaks off before its closing tag")
    else:
        rejected = _malformed("is text or an element between the records that belongs to none")
    return envelope, _refused(text, line, envelope, index, rejected)


def _with_agency(text: bytes, envelope: _Envelope, parser: etree.XMLParser) -> _Envelope:
    known = _Envelope(envelope.root, envelope.header, text)
    if len(text) > _LONGEST_GROUP:
        return _Envelope(envelope.root, envelope.header)
    try:
        document = etree.fromstring(known.before + known.after, parser)
    except etree.XMLSyntaxError:
        return _Envelope(envelope.root, envelope.header)  # the reports under it can be read without it
    return _Envelope(envelope.root, envelope.header, text, demographics(document))


def _record(text: bytes, line: int, envelope: _Envelope, parser: etree.XMLParser, check: Check | None, index: int) -> RawRecord:
    try:
        original = text.decode()
    except UnicodeDecodeError:
        rejected = Rejected(Fault.WRONG_ENCODING, RECORD, "is not in the encoding of the file", "UTF-8 text", "export the file as UTF-8")
        return _refused(text, line, envelope, index, rejected)
    if text.count(b"<") > _MOST_TAGS:
        rejected = Rejected(Fault.TOO_LARGE, RECORD, "holds too many elements", f"at most {_MOST_TAGS // 2}", _EXAMPLE)
        return _refused(text, line, envelope, index, rejected)
    if _XINCLUDE in text:
        return _refused(text, line, envelope, index, _malformed("asks for an inclusion (XInclude), which is never done"))
    shift = line - 1 - envelope.before.count(b"\n")
    try:
        document = etree.fromstring(envelope.before + text + envelope.after, parser)
    except etree.XMLSyntaxError as error:
        return _refused(text, line, envelope, index, _syntax(error, shift))
    report = document[-1][-1]
    if report.tag != f"{{{NAMESPACE}}}{RECORD}":
        return _refused(text, line, envelope, index, _malformed(f"is not in the namespace {NAMESPACE}"))
    if check is not None:
        rejected_by_check = check(document, shift)
        if rejected_by_check is not None:
            return _refused(text, line, envelope, index, rejected_by_check)
    pcr: Pcr = extract(report, envelope.agency)
    return RawRecord(
        index,
        line,
        original,
        {RECORD: pcr},
        preface=envelope.before.decode(errors="replace"),
        postface=envelope.after.decode(errors="replace"),
    )


def _refused(text: bytes, line: int, envelope: _Envelope, index: int, rejected: Rejected) -> RawRecord:
    return RawRecord(
        index,
        line,
        text.decode(errors="replace"),
        preface=envelope.before.decode(errors="replace"),
        rejected=rejected,
        postface=envelope.after.decode(errors="replace"),
    )


def _syntax(error: etree.XMLSyntaxError, shift: int) -> Rejected:
    # The parser's own message may quote the text.
    last = error.error_log.last_error
    kind = last.type_name if last is not None else ""
    problem = f"{_PROBLEMS.get(kind, 'is not well-formed XML')} (line {(error.lineno or 1) + shift})"
    return Rejected(Fault.TOO_LARGE if kind == "ERR_RESOURCE_LIMIT" else Fault.MALFORMED, RECORD, problem, _EXPECTED, _EXAMPLE)


def _malformed(problem: str) -> Rejected:
    return Rejected(Fault.MALFORMED, RECORD, problem, _EXPECTED, _EXAMPLE)


def _root(tag: bytes) -> bytes:
    """Return the root's start tag.

    Raises:
        Rejected: it is no EMSDataSet of NEMSIS.
    """
    if len(tag) > _LONGEST_ROOT:
        raise Rejected(Fault.TOO_LARGE, None, "has too long a start tag", f"at most {_LONGEST_ROOT} bytes", EXAMPLE)
    opened = tag[:-2] + b">" if tag.endswith(b"/>") else tag
    try:
        root = etree.fromstring(opened + b"</" + _name(opened) + b">", etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        raise Rejected(Fault.MALFORMED, None, "has a root element that is not well-formed", "an EMSDataSet document", EXAMPLE) from None
    if root.tag != f"{{{NAMESPACE}}}EMSDataSet":
        expected = f"EMSDataSet in the namespace {NAMESPACE} (NEMSIS v3.5)"
        problem = _OTHER_ROOTS.get(etree.QName(root).localname, "has another root element")
        raise Rejected(Fault.UNSUPPORTED_FORMAT, None, problem, expected, EXAMPLE)
    return opened


def _name(tag: bytes) -> bytes:
    return re.split(rb"[\s/>]", tag[1:], maxsplit=1)[0]


def _prefix(tag: bytes) -> bytes:
    prefix, colon, _ = _name(tag).rpartition(b":")
    return prefix + colon
