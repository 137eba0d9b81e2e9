"""HL7 v2 in its ER7 form (pipes and hats): a message's separators, segments, fields, components and escapes.

Only the segments that a report is made of are cut into fields; all others are never looked at.
"""

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, cast

from spikewatch.ingest.domain.feeds.hl7_adt import tables
from spikewatch.ingest.domain.rejection import Fault, Rejected

__all__ = ["LONGEST_TEXT", "Message", "Observations", "Segment", "Separators", "Values", "parse", "read_head"]

LONGEST_TEXT: Final = 10_000
"""Characters of one field that are read; the longest triage note of a real feed has a few thousand."""

_READ: Final = frozenset({"EVN", "PID", "PV1", "PV2", "DG1", "OBX"})
_LONGEST_CODE: Final = 250
_MOST_SEGMENTS: Final = 5_000
_LONGEST_WORD: Final = 128
_MOST_WORDS: Final = 1_024
_ENCODING_EXAMPLE: Final = "MSH|^~\\&|"
_LINE_END: Final = re.compile(r"[\r\n]+")
_SEGMENT_NAME: Final = re.compile(r"[A-Z][A-Z0-9]{2}", re.ASCII)
_HIGHLIGHT: Final = frozenset({"H", "N"})
_NULL: Final = '""'
_RESULT: Final = frozenset({"", "F", "C", "P", "R"})  # what nearly every OBX-11 says


@dataclass(frozen=True, slots=True)
class Separators:
    """The characters that MSH-1 and MSH-2 declare; an empty text: this level is not used."""

    field: str
    component: str
    repetition: str
    escape: str
    subcomponent: str
    is_plain: Callable[[str], object] = dataclasses.field(compare=False, repr=False, default=lambda _: None)

    @classmethod
    @lru_cache(maxsize=32)
    def of(cls, head: str) -> "Separators":
        """Read them from the start of an MSH, FHS or BHS segment.

        Raises:
            Rejected: they are missing, doubled, or letters.
        """
        mark = head[3:4]
        declared = head[4:].split(mark, 1)[0] if mark and not mark.isalnum() and not mark.isspace() else ""
        marks = mark + declared
        is_sound = 2 <= len(marks) <= 6 and len(set(marks)) == len(marks) and marks.isascii() and marks.isprintable()
        if not is_sound or any(one.isalnum() or one == " " for one in marks):
            problem = "do not declare the separators"
            raise Rejected(Fault.MALFORMED, "MSH-2", problem, "five different punctuation marks in MSH-1 and MSH-2", _ENCODING_EXAMPLE)
        # What most fields are: nothing to cut, to resolve or to trim, no explicit null, and not too long.
        plain = re.compile(rf'[^{re.escape(marks)}"\s]{{1,{_LONGEST_CODE}}}')
        return cls(mark, declared[:1], declared[1:2], declared[2:3], declared[3:4], plain.fullmatch)


class Values:
    r"""Reads values by the separators and the encoding of a message; one is shared by all messages that are written so.

    A message's segments refer to it and not to their message: what refers to each other is freed by the garbage collector alone,
    late, and by then each new message has taken fresh memory.

    Args:
        separators: as declared.
        charset: Python's name of the encoding, for ``\X..\`` escapes.
    """

    __slots__ = ("charset", "separators", "words")

    def __init__(self, separators: Separators, charset: str) -> None:
        self.separators = separators
        self.charset = charset
        self.words: dict[tuple[str, int], str] = {}

    @staticmethod
    @lru_cache(maxsize=32)
    def of(head: str, charset: str) -> "Values":
        """Return what reads the values of messages whose MSH starts so.

        Raises:
            Rejected: the separators cannot be told.
        """
        return Values(Separators.of(head), charset)

    def components(self, value: str) -> list[str]:
        """Cut one repetition into components."""
        return value.split(self.separators.component)

    def code(self, value: str, component: int = 1) -> str:
        """Return the first subcomponent of a component of the first repetition of a field, trimmed, its escapes resolved."""
        return value if component == 1 and self.separators.is_plain(value) else self.part(value, component)

    def part(self, value: str, component: int) -> str:
        """Return the same of a value that is known not to be plain."""
        marks = self.separators
        if marks.repetition and marks.repetition in value:
            value = value.split(marks.repetition, 1)[0]
        if marks.component in value:
            parts = value.split(marks.component, component)
            if len(parts) < component:
                return ""
            value = parts[component - 1]
        elif component > 1:
            return ""
        if marks.subcomponent and marks.subcomponent in value:
            value = value.split(marks.subcomponent, 1)[0]
        if marks.escape and marks.escape in value:
            value = self.text(value)
        value = value.strip()
        return "" if value == _NULL or len(value) > _LONGEST_CODE else value

    def text(self, value: str) -> str:
        """Resolve escapes; formatting and what is not known becomes a blank. At most ``LONGEST_TEXT`` characters are read."""
        mark = self.separators.escape
        value = value[:LONGEST_TEXT]
        if not mark or mark not in value:
            return value
        pieces = value.split(mark)
        # text, escape, text, escape, text: an even count of pieces means that the last escape is not closed.
        closed = len(pieces) if len(pieces) % 2 else len(pieces) - 1
        resolved = "".join(pieces[at] if at % 2 == 0 else self._escaped(pieces[at]) for at in range(closed))
        return resolved if closed == len(pieces) else f"{resolved} {pieces[-1]}"

    def _escaped(self, sequence: str) -> str:
        marks = self.separators
        if len(sequence) == 1:
            known = {"F": marks.field, "S": marks.component, "T": marks.subcomponent, "R": marks.repetition, "E": marks.escape}
            return known.get(sequence, "" if sequence in _HIGHLIGHT else " ")
        if sequence[:1] == "X":
            try:
                found = bytes.fromhex(sequence[1:])
            except ValueError:
                return " "
            decoded = found.decode(self.charset, errors="replace")
            return "".join(one if one.isprintable() else " " for one in decoded)
        return " "

    def word(self, value: str, component: int) -> str:
        """Return the same as ``code``, and remember it."""
        known = self.words.get((value, component))
        if known is not None:
            return known
        read = self.code(value, component)
        if len(value) <= _LONGEST_WORD:
            if len(self.words) >= _MOST_WORDS:
                self.words.clear()
            self.words[value, component] = read
        return read


class Segment:
    """One segment; fields count from 1 as the standard counts them, and a field that is not there is empty."""

    __slots__ = ("_fields", "_values")

    def __init__(self, fields: list[str], values: Values) -> None:
        self._fields = fields
        self._values = values

    def raw(self, number: int) -> str:
        """Return a field as it stands; the explicit null counts as empty."""
        fields = self._fields
        value = fields[number] if number < len(fields) else ""
        return "" if value == _NULL else value

    def repetitions(self, number: int) -> list[str]:
        """Return the repetitions of a field."""
        value, mark = self.raw(number), self._values.separators.repetition
        return value.split(mark) if mark and mark in value else [value]

    def code(self, number: int, component: int = 1) -> str:
        """Return the first subcomponent of a component of the first repetition, trimmed, its escapes resolved."""
        fields = self._fields
        value = fields[number] if number < len(fields) else ""
        if not value:
            return ""
        values = self._values
        if component == 1 and values.separators.is_plain(value):
            return value
        return values.part(value, component)

    def word(self, number: int, component: int = 1) -> str:
        """Return the same of a field with few values, a facility or a unit, and remember it. Never asked for what tells of a person."""
        fields = self._fields
        value = fields[number] if number < len(fields) else ""
        return self._values.word(value, component) if value else ""


@dataclass(slots=True)
class Message:
    """A message cut into the segments that are read.

    Attributes:
        values: what reads its values.
        head: MSH; its fields count as the standard counts them, so that MSH-2 is the separators.
        segments: the others by name, in their order.
    """

    values: Values
    head: Segment
    segments: dict[str, list[Segment]] = field(default_factory=dict)

    @property
    def separators(self) -> Separators:
        """The separators that it declares."""
        return self.values.separators

    @property
    def charset(self) -> str:
        """Python's name of its encoding."""
        return self.values.charset

    def first(self, name: str) -> Segment | None:
        """Return the first segment of a name."""
        found = self.segments.get(name)
        return found[0] if found else None

    def observations(self) -> "Observations":
        """Return the OBX segments of the codes that are read, each with its code: that of OBX-3, else its alternative."""
        found: Observations = []
        for observation in self.segments.get("OBX", ()):
            code = observation.word(3)
            if code not in tables.OBSERVED:
                code = observation.word(3, 4)  # a house's own code stands first where it is mapped to LOINC
                if code not in tables.OBSERVED:
                    continue
            status = observation.raw(11)
            if status in _RESULT or observation.code(11).upper() not in tables.NO_RESULT:
                found.append((code, observation))
        return found


Observations = list[tuple[str, Segment]]
"""OBX segments, each with the code of what was observed."""


def read_head(text: str, charset: str) -> Message:
    """Read MSH alone.

    Raises:
        Rejected: the text does not begin with one, or its separators cannot be told.
    """
    if text[:3] != "MSH":
        raise Rejected(Fault.MALFORMED, "MSH", "is not the first segment", "a message that begins with MSH", _ENCODING_EXAMPLE)
    line = text.partition("\r")[0].partition("\n")[0]
    values = Values.of(line[:10] if line[3:4] in line[4:10] else line[:32], charset)
    mark = values.separators.field
    fields = line.split(mark)
    fields.insert(1, mark)
    return Message(values, Segment(fields, values))


def parse(text: str, charset: str) -> Message:
    """Cut a message into the segments that are read.

    Raises:
        Rejected: it has no MSH, its separators cannot be told, or it has more segments than any message.
    """
    message = read_head(text, charset)
    values, segments = message.values, message.segments
    mark = values.separators.field
    for line in _lines(text, mark):
        if line[:3] in _READ and line[3:4] == mark:
            segments.setdefault(line[:3], []).append(Segment(line.split(mark), values))
    return message


def _lines(text: str, mark: str) -> list[str]:
    """Return the segments; a line that is none goes on with the text of the one before, as where a note holds a line feed."""
    lines = cast("list[str]", _LINE_END.split(text)) if "\n" in text else text.split("\r")
    if len(lines) > _MOST_SEGMENTS:
        raise Rejected(
            Fault.TOO_LARGE, None, "has too many segments", f"at most {_MOST_SEGMENTS} segments a message", "one visit a message"
        )
    for line in lines:
        if line[3:4] != mark and line:
            break
    else:
        return lines
    joined: list[str] = []
    for written in lines:
        line = written
        if written[:1] in {" ", "\t"}:
            inner = written.lstrip(" \t")
            line = inner if inner[3:4] == mark and inner[:3] in _READ else written  # indented, as in what was copied out of a document
        is_segment = line[3:4] in {mark, ""} and _SEGMENT_NAME.match(line) is not None
        if is_segment or not joined:
            joined.append(line)
        elif line:
            joined[-1] += f" {line}"
    return joined
