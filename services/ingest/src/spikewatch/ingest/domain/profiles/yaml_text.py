"""Reads YAML as plain values and remembers on which line each stands.

Stricter than YAML: no anchors, aliases or tags (a few lines could unfold into gigabytes), no key twice, and a word is a word:
``no`` and ``NO`` stay texts, only ``true``, ``false``, ``null`` and numbers are anything else.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import yaml

__all__ = ["Broken", "Document", "Path", "read_yaml"]

Path = tuple[str | int, ...]
"""Where a value stands: ``("occurred_at", 0, "column")``."""

_MAX_DEPTH: Final = 12
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WHOLE: Final = re.compile(r"[+-]?(?:0|[1-9]\d{0,14})", re.ASCII)  # 09001 is a code and stays a text
_DECIMAL: Final = re.compile(r"[+-]?\d{1,15}\.\d{1,15}", re.ASCII)
_WORDS: Final[Mapping[str, object]] = {"true": True, "false": False, "null": None, "~": None, "": None}


class Broken(ValueError):  # noqa: N818  # named by what it says of the text
    """The text is no YAML that we take.

    Attributes:
        line: where, from 1.
        problem: what is wrong, without the text itself.
        expected: what would be right.
    """

    def __init__(self, line: int, problem: str, expected: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem
        self.expected = expected


@dataclass(frozen=True, slots=True)
class Document:
    """What the text says, and the line on which each value's name stands."""

    value: object
    lines: Mapping[Path, int]

    def line_of(self, path: Path) -> int:
        """Return the line of a value; of the nearest value around it where there is none."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_yaml(text: str) -> Document:
    """Read one document.

    Raises:
        Broken: it is no YAML, or more than we take.
    """
    lines: dict[Path, int] = {}
    try:
        events = (event for event in yaml.parse(text, Loader=_LOADER) if not isinstance(event, _FRAME))
        first = next(events, None)
        if first is None:
            raise Broken(1, "is empty", "a mapping of fields")
        value = _value(first, events, (), lines)
        if (more := next(events, None)) is not None:
            raise Broken(_line(more), "starts a second document", "one document")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Broken(1 if mark is None else mark.line + 1, "is no YAML here", "YAML: name: value, indented by blanks") from None
    except (yaml.YAMLError, ValueError) as error:
        if isinstance(error, Broken):
            raise
        raise Broken(1, "holds a character that no text has", "printable UTF-8") from None
    return Document(value, lines)


_FRAME: Final = (yaml.StreamStartEvent, yaml.StreamEndEvent, yaml.DocumentStartEvent, yaml.DocumentEndEvent)


def _line(event: yaml.Event) -> int:
    mark = event.start_mark
    return 1 if mark is None else int(mark.line) + 1


def _value(event: yaml.Event, events: Iterator[yaml.Event], path: Path, lines: dict[Path, int]) -> object:
    lines.setdefault(path, _line(event))
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None or getattr(event, "tag", None) is not None:
        raise Broken(_line(event), "uses an anchor, an alias or a tag", "plain values, written out")
    if isinstance(event, yaml.ScalarEvent):
        return _scalar(event)
    if len(path) >= _MAX_DEPTH:
        raise Broken(_line(event), "is nested too deeply", f"at most {_MAX_DEPTH} levels")
    if isinstance(event, yaml.SequenceStartEvent):
        items: list[object] = []
        while not isinstance(part := next(events), yaml.SequenceEndEvent):
            items.append(_value(part, events, (*path, len(items)), lines))
        return items
    return _mapping(events, path, lines)


def _mapping(events: Iterator[yaml.Event], path: Path, lines: dict[Path, int]) -> dict[str, object]:
    found: dict[str, object] = {}
    while not isinstance(part := next(events), yaml.MappingEndEvent):
        if not isinstance(part, yaml.ScalarEvent) or part.anchor is not None or part.tag is not None:
            raise Broken(_line(part), "has a name that is no text", "a text before the colon")
        name = str(part.value)
        if name in found:
            raise Broken(_line(part), "names the same field twice", "each field once")
        lines[(*path, name)] = _line(part)
        found[name] = _value(next(events), events, (*path, name), lines)
    return found


def _scalar(event: yaml.ScalarEvent) -> object:
    text = str(event.value)
    if event.style not in {None, ""}:  # quoted, or a block
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text
