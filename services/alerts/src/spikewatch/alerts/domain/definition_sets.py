"""Which case definitions an overdose meets, as one small number: many overdoses meet the same ones, and a count looks at millions."""

from collections.abc import Iterable, Sequence
from threading import Lock
from typing import Final

import numpy as np

from spikewatch.alerts.domain.instants import Bools

__all__ = ["meeting", "meets", "number_of", "number_of_text", "text_of"]

# Numbers hold within one process and are written nowhere: what is stored are the names. A process sees some hundred sets, since definitions
# nest and follow from few findings; none is ever forgotten, for arrays of marks hold its number.
_sets: Final[list[tuple[str, ...]]] = [()]
_numbers: Final[dict[tuple[str, ...], int]] = {(): 0}
_texts: Final[dict[str, int]] = {"": 0}
_growing: Final = Lock()  # back-tests and scans read marks in threads
_answers: Final[dict[tuple[str, ...], Bools]] = {}
_MOST_ANSWERS: Final = 256  # sets of definitions that rules ask for; back-tests may bring any number


def number_of(definitions: Iterable[str]) -> int:
    """Return the number of a set of definitions (id@n, or id alone where the version is not known); 0 is the empty one."""
    names = tuple(definitions)
    number = _numbers.get(names)
    return _numbered(tuple(sorted(set(names)))) if number is None else number


def text_of(number: int) -> str:
    """Return the definitions of a number as one text, as it is stored: a list of them would take twice the room."""
    return " ".join(_sets[number])


def number_of_text(text: str) -> int:
    """Return the number of what ``text_of`` returned."""
    number = _texts.get(text)
    if number is None:  # one look a row that is read, however many definitions it names
        number = _texts[text] = number_of(text.split())
    return number


def meets(number: int, asked: Sequence[str]) -> bool:
    """Tell whether one of the definitions that are asked for (id: in any version, or id@n) is among those of a number."""
    return any(name in asked or name.partition("@")[0] in asked for name in _sets[number])


def meeting(asked: tuple[str, ...]) -> Bools:
    """Return of each number whether ``meets`` holds of it."""
    known = _answers.get(asked)
    if known is None or len(known) < len(_sets):
        older = 0 if known is None else len(known)
        newer = np.array([meets(number, asked) for number in range(older, len(_sets))], dtype=np.bool_)
        if len(_answers) >= _MOST_ANSWERS:
            _answers.clear()
        known = _answers[asked] = newer if known is None else np.concatenate((known, newer))
    return known


def _numbered(names: tuple[str, ...]) -> int:
    with _growing:
        number = _numbers.get(names)
        if number is None:
            number = len(_sets)
            _sets.append(names)
            _numbers[names] = number
        return number
