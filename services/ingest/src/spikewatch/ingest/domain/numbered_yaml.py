"""YAML whose every value knows its line, so that a wrong file is told by the line to look at."""

import re
from collections.abc import Collection, Iterator
from typing import Final

import yaml

__all__ = ["Node", "WrongData", "parse"]

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MOST_BYTES: Final = 4_194_304
_DEEPEST: Final = 24


class WrongData(ValueError):  # noqa: N818  # named by what it says of the file
    """A data file does not say what it must; the text is ``file:line: problem; expected``."""


class Node:
    """A value of the file with its line.

    Args:
        name: the file as the operator knows it.
        value: what YAML made of it: a dict of nodes, a list of nodes, or a text.
        line: counted from 1.
    """

    __slots__ = ("line", "name", "value")

    def __init__(self, name: str, value: "dict[str, Node] | list[Node] | str", line: int) -> None:
        self.name = name
        self.value = value
        self.line = line

    def wrong(self, problem: str, expected: str) -> WrongData:
        """Return the error for this line."""
        return WrongData(f"{self.name}:{self.line}: {problem}; expected {expected}")

    def mapping(self, required: Collection[str] = (), optional: Collection[str] | None = None) -> "dict[str, Node]":
        """Return the keys and values; with ``optional`` no other keys may stand there.

        Raises:
            WrongData: it is no mapping, or a key is missing or not known.
        """
        if not isinstance(self.value, dict):
            raise self.wrong("is no mapping", "key: value" if not required else "the keys " + ", ".join(required))
        for key in required:
            if key not in self.value:
                raise self.wrong(f"{key} is missing", f"the keys {', '.join(required)}")
        if optional is not None:
            for key, node in self.value.items():
                if key not in required and key not in optional:
                    raise node.wrong(f"{key!r} is not known here", "one of " + ", ".join((*required, *optional)))
        return self.value

    def items(self) -> "list[Node]":
        """Return the entries of a list; one value alone is a list of one.

        Raises:
            WrongData: it is a mapping.
        """
        if isinstance(self.value, list):
            return self.value
        if isinstance(self.value, dict):
            raise self.wrong("is a mapping", "a list")
        return [self]

    def text(self) -> str:
        """Return the text.

        Raises:
            WrongData: it is no text, or empty.
        """
        if not isinstance(self.value, str) or not self.value.strip():
            raise self.wrong("is no text", "a text")
        return self.value.strip()

    def texts(self) -> tuple[str, ...]:
        """Return a list of texts."""
        return tuple(node.text() for node in self.items())

    def word(self, known: Collection[str]) -> str:
        """Return a text that is one of those known.

        Raises:
            WrongData: it is another.
        """
        text = self.text()
        if text not in known:
            raise self.wrong(f"{text!r} is not known", "one of " + ", ".join(known))
        return text

    def whole(self) -> int:
        """Return a number from 1.

        Raises:
            WrongData: it is none.
        """
        text = self.text()
        if not re.fullmatch(r"[1-9][0-9]{0,8}", text, re.ASCII):
            raise self.wrong("is no whole number", "a number from 1")
        return int(text)

    def flag(self) -> bool:
        """Return true or false."""
        return self.word(("true", "false")) == "true"


def parse(text: str, name: str) -> Node:
    """Read one YAML document.

    Raises:
        WrongData: it is no YAML, empty, too large or too deep, or names a key twice.
    """
    if len(text) > _MOST_BYTES:
        raise WrongData(f"{name}:1: is longer than {_MOST_BYTES} characters; expected a smaller file")
    try:
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = 1 if mark is None else mark.line + 1
        problem = getattr(error, "problem", None) or "cannot be read"
        raise WrongData(f"{name}:{line}: is no YAML ({problem}); expected YAML 1.1") from None
    if root is None:
        raise WrongData(f"{name}:1: is empty; expected a YAML document")
    return _node(root, name, 0)


def _node(node: yaml.Node, name: str, depth: int) -> Node:
    line = node.start_mark.line + 1
    if depth > _DEEPEST:
        raise WrongData(f"{name}:{line}: is nested too deep; expected at most {_DEEPEST} levels")
    if isinstance(node, yaml.MappingNode):
        return Node(name, dict(_pairs(node, name, depth)), line)
    if isinstance(node, yaml.SequenceNode):
        return Node(name, [_node(part, name, depth + 1) for part in node.value], line)
    return Node(name, str(node.value), line)


def _pairs(mapping: yaml.MappingNode, name: str, depth: int) -> Iterator[tuple[str, Node]]:
    seen: set[str] = set()
    for key, value in mapping.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise WrongData(f"{name}:{line}: a key is no text; expected key: value")
        if key.value in seen:
            raise WrongData(f"{name}:{line}: {key.value!r} stands there twice; expected it once")
        seen.add(key.value)
        made = _node(value, name, depth + 1)
        made.line = line  # of its key: that is where an operator looks
        yield key.value, made
