"""Reading a message that a newer writer may have written: a word that this reader does not know becomes ``other`` or ``unknown``.

Only where the list itself has such a word. A word of another list is refused: guessing it could turn one thing into another.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

__all__ = ["CATCH_ALL", "catch_all", "read_json"]

T = TypeVar("T")
CATCH_ALL: Final = ("other", "unknown")
"""Words that mean "none of those listed", the more telling one first."""

_WORD: Final = re.compile(r"'([^']*)'")


def catch_all(words: object) -> str | None:
    """Return which word of a closed list stands for every word that it does not have; None if it has none."""
    return next((word for word in CATCH_ALL if isinstance(words, list | tuple) and word in words), None)


def read_json(adapter: TypeAdapter[T], value: bytes) -> T:
    """Return the message.

    Raises:
        ValidationError: it is none, whatever its newer words are taken for; the findings are those of the message as it came.
    """
    try:
        return adapter.validate_json(value)
    except ValidationError as refused:
        # Only now, so that the usual record is read once.
        mended = _with_known_words(value, refused)
        if mended is None:
            raise
        try:
            return adapter.validate_json(mended)
        except ValidationError:
            raise refused from None


def _with_known_words(value: bytes, refused: ValidationError) -> bytes | None:
    # Findings of another kind may only follow from these, as a list that seems too short without its refused part.
    findings = [finding for finding in refused.errors(include_url=False, include_input=False) if finding["type"] == "enum"]
    if not findings:
        return None
    message = json.loads(value)
    for finding in findings:
        word = catch_all(_WORD.findall(str(finding.get("ctx", {}).get("expected", ""))))
        if word is None or not _replace(message, finding["loc"], word):
            return None
    return json.dumps(message).encode()


def _replace(message: Any, place: Sequence[Any], word: str) -> bool:
    """Put the word where the finding points; a step that is no key is the name of a model in a union."""
    holder: Any = None
    at: Any = ""
    for step in place:
        if (isinstance(message, dict) and step in message) or (isinstance(message, list) and isinstance(step, int)):
            holder, at = message, step
            message = message[step]
    if not isinstance(message, str):  # a number or a list is no word, newer or not
        return False
    if holder is not None:
        holder[at] = word
    return holder is not None
