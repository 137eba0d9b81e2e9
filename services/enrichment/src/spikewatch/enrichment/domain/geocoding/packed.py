"""The form in which an index is stored and mapped into memory: plain arrays of the narrowest kind that holds the values."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["FORMAT", "JSON", "SCALE", "Packed", "narrowed", "of_text", "texts", "view"]

FORMAT: Final = 1
"""Goes up when an older reader would misread the arrays."""
SCALE: Final = 1_000_000
"""Steps of a degree: 11 cm, finer than any centreline is drawn, and 32 bits hold it."""

JSON = dict[str, "JSON"] | list["JSON"] | str | int | float | bool | None


class Packed(NamedTuple):
    """Everything the geocoder needs.

    Attributes:
        arrays: by name; they may be read-only memory maps.
        facts: sources, contexts and extent, as JSON.
    """

    arrays: dict[str, np.ndarray]
    facts: dict[str, JSON]


def narrowed(values: list[int] | NDArray[np.int64]) -> np.ndarray:
    """Return unsigned whole numbers in the narrowest type that holds the largest."""
    wide = np.asarray(values, dtype=np.int64)
    top = int(wide.max(initial=0))
    return wide.astype(np.uint8 if top < 1 << 8 else np.uint16 if top < 1 << 16 else np.uint32)


def of_text(lines: list[str]) -> np.ndarray:
    """Return lines of text as bytes, one array for all."""
    return np.frombuffer("\n".join(lines).encode(), dtype=np.uint8)


def texts(array: np.ndarray) -> list[str]:
    """Return the lines of such an array."""
    return array.tobytes().decode().split("\n") if array.size else []


def view(array: np.ndarray) -> memoryview:
    """Return the array as a view whose items are plain Python numbers: three times faster than an array's, and nothing is copied."""
    return np.ascontiguousarray(array).data
