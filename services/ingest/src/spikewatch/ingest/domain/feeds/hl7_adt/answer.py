"""Builds the acknowledgement of a message: MSH, MSA, and ERR where something is wrong. It never repeats a value of the content.

Original mode (MSH-15 and MSH-16 empty): one application acknowledgement, AA, AE or AR. Enhanced mode: the accept
acknowledgement (CA, CE, CR) where MSH-15 asks for one, else the application acknowledgement where MSH-16 does, else none.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from spikewatch.ingest.domain.feeds.hl7_adt.er7 import Message, Separators
from spikewatch.ingest.domain.rejection import Fault, Rejected

__all__ = ["NOT_STORED", "Complaint", "Verdict", "answer", "complaint_of", "is_silent"]


class Verdict(StrEnum):
    """What became of a message: taken; to be corrected or sent again; refused for what it is or where it comes from."""

    ACCEPTED = "A"
    ERROR = "E"
    REJECTED = "R"


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with a message, as its answer says it.

    Attributes:
        verdict: what follows from it.
        condition: number and name of HL7 table 0357.
        field: where, for example ``PV1-19.1``; None: the message as a whole.
        reason: our own word for it, as dead letters and HTTP answers have it.
        text: what is wrong, what was expected, an example. Never a value.
    """

    verdict: Verdict
    condition: tuple[str, str]
    field: str | None
    reason: str
    text: str


_STANDARD: Final = Separators("|", "^", "~", "\\", "&")
_LONGEST_ECHO: Final = 227  # of a hierarchic designator, by the standard
_LONGEST_CONTROL_ID: Final = 199
_PLACE: Final = re.compile(r"([A-Z][A-Z0-9]{2})(?:-(\d+)(?:\.(\d+))?)?", re.ASCII)
_VERSION: Final = re.compile(r"2\.\d(?:\.\d)?", re.ASCII)
_TRIGGER: Final = re.compile(r"[A-Z]\d\d", re.ASCII)

# HL7 table 0357.
_SEGMENT_SEQUENCE: Final = ("100", "Segment sequence error")
_REQUIRED_MISSING: Final = ("101", "Required field missing")
_DATA_TYPE: Final = ("102", "Data type error")
_NOT_IN_TABLE: Final = ("103", "Table value not found")
_INTERNAL: Final = ("207", "Application internal error")
_UNSUPPORTED: Final = {
    "MSH-9.1": ("200", "Unsupported message type"),
    "MSH-9.2": ("201", "Unsupported event code"),
    "MSH-11": ("202", "Unsupported processing id"),
    "MSH-12": ("203", "Unsupported version id"),
}
_UNKNOWN_KEY: Final = ("204", "Unknown key identifier")
_BY_FAULT: Final = {
    Fault.MISSING_FIELD: _REQUIRED_MISSING,
    Fault.INVALID_FIELD: _DATA_TYPE,
    Fault.NAIVE_TIME: _DATA_TYPE,
    Fault.FUTURE_TIME: _DATA_TYPE,
    Fault.OUT_OF_RANGE: _DATA_TYPE,
    Fault.WRONG_ENCODING: _NOT_IN_TABLE,
    Fault.MALFORMED: _SEGMENT_SEQUENCE,
    Fault.UNKNOWN_AGENCY: _UNKNOWN_KEY,
}
_REFUSED: Final = frozenset({Fault.MALFORMED, Fault.UNKNOWN_AGENCY, Fault.SUSPENDED_AGENCY, Fault.UNSUPPORTED_FORMAT, Fault.TOO_LARGE})


NOT_STORED: Final = Complaint(
    Verdict.ERROR, _INTERNAL, None, "unavailable", "message was not stored; send the same message again after some seconds"
)
"""The broker did not confirm."""


def complaint_of(rejected: Rejected) -> Complaint:
    """Return what the answer says of a rejection: refused as such, or to be corrected."""
    is_unreadable = rejected.fault is Fault.WRONG_ENCODING and rejected.field is None
    is_refused = is_unreadable or rejected.fault in _REFUSED or rejected.field in _UNSUPPORTED
    text = f"{rejected.field or 'message'} {rejected.problem}; expected {rejected.expected}"
    if rejected.example:
        text += f"; for example {rejected.example}"
    verdict = Verdict.REJECTED if is_refused else Verdict.ERROR
    return Complaint(verdict, _condition(rejected), rejected.field, rejected.fault.value, text)


def is_silent(head: Message | None) -> bool:
    """Tell whether the sender never wants an answer: MSH-15 and MSH-16 are both NE, or one is and the other empty."""
    if head is None:
        return False
    asked = {head.head.code(15).upper(), head.head.code(16).upper()}
    return "NE" in asked and asked <= {"NE", ""}


def answer(head: Message | None, complaint: Complaint | None, *, at: datetime, control_id: str) -> str | None:
    """Return the acknowledgement with the sender's own separators, or None where the sender wants none.

    Args:
        head: the message's MSH; None when it could not be read.
        complaint: what is wrong with it; None: it was taken.
        at: the time of the answer.
        control_id: of the answer.
    """
    verdict = Verdict.ACCEPTED if complaint is None else complaint.verdict
    mode = _mode(head, verdict)
    if mode is None:
        return None
    marks = head.separators if head is not None else _STANDARD
    lines = [_msh(head, marks, at, control_id), _msa(head, marks, f"{mode}{verdict.value}")]
    if complaint is not None:
        lines.append(_err(marks, complaint))
    return "\r".join(lines) + "\r"


def _mode(head: Message | None, verdict: Verdict) -> str | None:
    """Return A for an application acknowledgement, C for an accept acknowledgement, None for neither."""
    accept = head.head.code(15).upper() if head is not None else ""
    application = head.head.code(16).upper() if head is not None else ""
    if not accept and not application:
        return "A"
    if _is_asked(accept, verdict):
        return "C"
    return "A" if _is_asked(application, verdict) else None


def _is_asked(condition: str, verdict: Verdict) -> bool:
    match condition:
        case "" | "NE":
            return False
        case "ER":
            return verdict is not Verdict.ACCEPTED
        case "SU":
            return verdict is Verdict.ACCEPTED
        case _:
            return True  # AL, and what no table has: an answer too many harms less than one too few


def _msh(head: Message | None, marks: Separators, at: datetime, control_id: str) -> str:
    sender = [""] * 4
    trigger, mode, version, charset = "", "P", "2.5.1", ""
    if head is not None:
        msh = head.head
        # Applications and facilities change places.
        sender = [msh.raw(number)[:_LONGEST_ECHO] for number in (5, 6, 3, 4)]
        trigger = msh.code(9, 2).upper()
        mode = msh.code(11).upper() if msh.code(11).upper() in {"P", "T", "D"} else "P"
        version = msh.code(12) if _VERSION.fullmatch(msh.code(12)) else version
        charset = msh.raw(18)[:_LONGEST_ECHO]
    kind = marks.component.join(("ACK", *((trigger,) if _TRIGGER.fullmatch(trigger) else ()), "ACK"))
    fields = [
        "MSH",
        f"{marks.component}{marks.repetition}{marks.escape}{marks.subcomponent}",
        *sender,
        at.strftime("%Y%m%d%H%M%S+0000"),
        "",
        kind if _TRIGGER.fullmatch(trigger) else "ACK",
        control_id,
        mode,
        version,
    ]
    if charset:
        fields += ["", "", "", "", "", charset]
    return marks.field.join(fields)


def _msa(head: Message | None, marks: Separators, code: str) -> str:
    control_id = head.head.raw(10)[:_LONGEST_CONTROL_ID] if head is not None else ""
    return marks.field.join(("MSA", code, control_id))


def _err(marks: Separators, complaint: Complaint) -> str:
    """Write where (ERR-2), which fault of table 0357 (ERR-3), how grave (ERR-4), and in words (ERR-8) what would be right."""
    coded = marks.component.join((*complaint.condition, "HL70357"))
    application = marks.component.join((complaint.reason, "", "L"))
    place, text = _place(complaint.field, marks), _escaped(complaint.text, marks)
    return marks.field.join(("ERR", "", place, coded, "E", application, "", "", text))


def _condition(rejected: Rejected) -> tuple[str, str]:
    if rejected.field in _UNSUPPORTED and rejected.fault is not Fault.MISSING_FIELD:
        return _UNSUPPORTED[rejected.field]
    if rejected.fault is Fault.MISSING_FIELD and "-" not in (rejected.field or ""):
        return _SEGMENT_SEQUENCE  # a whole segment is missing
    return _BY_FAULT.get(rejected.fault, _INTERNAL)


def _place(field: str | None, marks: Separators) -> str:
    match = _PLACE.fullmatch(field or "")
    if match is None:
        return ""
    segment, number, component = match.groups()
    parts = [segment, "1", *((number,) if number else ()), *(("1", component) if component else ())]
    return marks.component.join(parts)


def _escaped(text: str, marks: Separators) -> str:
    names = {marks.escape: "E", marks.field: "F", marks.component: "S", marks.repetition: "R", marks.subcomponent: "T"}
    names.pop("", None)
    if not marks.escape:
        return "".join(" " if one in names else one for one in text)
    return "".join(f"{marks.escape}{names[one]}{marks.escape}" if one in names else one for one in text)
