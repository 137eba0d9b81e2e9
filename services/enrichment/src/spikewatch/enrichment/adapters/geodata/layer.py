"""What a file looks like to those who make records of it: named columns, rows of text, and perhaps a shape in each row."""

from abc import ABC, abstractmethod
from collections.abc import Generator
from enum import StrEnum
from typing import NamedTuple

__all__ = ["Feature", "Layer", "Position", "Shape", "ShapeKind"]

Position = tuple[float, float]
"""East then north: longitude and latitude once the projection is settled, before that whatever the file has."""


class ShapeKind(StrEnum):
    """What a shape is."""

    POINT = "point"
    LINE = "line"
    POLYGON = "polygon"


class Shape(NamedTuple):
    """A shape in the file's own coordinates.

    Attributes:
        kind: point, line or polygon; several of one kind are one shape.
        parts: of points and lines the parts, of polygons the rings, holes among them.
    """

    kind: ShapeKind
    parts: tuple[tuple[Position, ...], ...]


class Feature(NamedTuple):
    """One row.

    Attributes:
        row: its number, counted from 1 (in CSV the line that it starts in).
        values: texts without blanks around them, in the order of the layer's columns.
        shape: None where the layer has none, or this row's is empty.
        problem: why the row cannot be used, else empty; it holds no value of the row.
    """

    row: int
    values: tuple[str, ...]
    shape: Shape | None = None
    problem: str = ""


class Layer(ABC):
    """A table, with or without shapes, that can be read from its start as often as needed.

    Attributes:
        name: as people know it: the file's name, with the name inside where the file is a zip.
        columns: names of the columns as they are written.
        reference: text that names the coordinate system (a .prj, a GeoJSON ``crs``), empty when the file does not tell.
        size: bytes that a whole reading takes.
        done: bytes that were read so far.
    """

    name: str
    columns: tuple[str, ...]
    reference: str = ""
    size: int = 0
    done: int = 0

    @abstractmethod
    def features(self) -> Generator[Feature, None, None]:
        """Return the rows from the first on; who does not take all of them closes it.

        Raises:
            GeodataUnusable: the file breaks off, or is not what its name says.
        """
