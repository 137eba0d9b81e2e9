"""A table in text: comma, semicolon, tab or pipe between its cells, one header row, plain or gzipped."""

import csv
import sys
from collections.abc import Generator
from typing import Final

from typing_extensions import override

from spikewatch.enrichment.adapters.geodata.layer import Feature, Layer
from spikewatch.enrichment.adapters.geodata.stored_file import StoredFile
from spikewatch.enrichment.adapters.geodata.text_lines import start_of_text, text_of
from spikewatch.enrichment.adapters.geodata.unusable import GeodataUnusable

__all__ = ["CsvLayer", "delimiter_of"]

_DELIMITERS: Final = ",;\t|"
_LONGEST_CELL: Final = 1 << 26  # characters: the outline of a county with islands has millions
_MOST_COLUMNS: Final = 4096
_EVERY: Final = 256


class CsvLayer(Layer):
    """A table whose shapes, if any, are in its cells: WKT, or a column each for latitude and longitude.

    Raises:
        GeodataUnusable: it is empty, no text, or has no header.
    """

    def __init__(self, file: StoredFile) -> None:
        self.name = file.name
        self._file = file
        self.size = file.size
        self._encoding, text = start_of_text(file, "a header row and rows below it")
        self._delimiter = delimiter_of(text)
        _allow_long_cells()
        header = next(
            (row for row in csv.reader(text.splitlines(keepends=True), delimiter=self._delimiter) if any(map(str.strip, row))), []
        )
        if len(header) < 2 or len(header) > _MOST_COLUMNS:
            raise GeodataUnusable(
                f"{file.name} has a header of {len(header):,} columns; expected 2 to {_MOST_COLUMNS:,}, apart by comma, semicolon, tab or |"
            )
        self.columns = tuple(" ".join(cell.split()) for cell in header)

    @override
    def features(self) -> Generator[Feature, None, None]:
        _allow_long_cells()
        width = len(self.columns)
        with self._file.opened() as (stream, done), text_of(stream, self._encoding) as lines:
            reader = csv.reader(lines, delimiter=self._delimiter)
            is_header = True
            line = 1
            while True:
                line, count = reader.line_num + 1, reader.line_num
                try:
                    row = next(reader)
                except StopIteration:
                    break
                except csv.Error:
                    yield Feature(line, ("",) * width, problem="cells cannot be told apart")
                    continue
                if count % _EVERY == 0:
                    self.done = done()
                if not any(row):
                    continue
                if is_header:
                    is_header = False
                elif len(row) > width:
                    yield Feature(line, ("",) * width, problem="more cells than the header has")
                else:
                    yield Feature(line, tuple(cell.strip() for cell in row) + ("",) * (width - len(row)))
        self.done = self.size


def delimiter_of(text: str) -> str:
    """Tell what stands between the cells, by the first line that is not blank."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(_DELIMITERS, key=lambda mark: len(next(csv.reader([first], delimiter=mark), [])))


def _allow_long_cells() -> None:
    # The limit is the process's; it is only ever raised, so that whoever raised it further keeps that.
    csv.field_size_limit(max(csv.field_size_limit(), min(_LONGEST_CELL, sys.maxsize)))
