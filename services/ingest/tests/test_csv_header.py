"""The header of a CSV file: what may stand above it, and what is too long to be one. Work is counted, never timed."""

import csv
import io
from typing import Any

import pytest

from spikewatch.ingest.domain import csv_rows as module
from spikewatch.ingest.domain.csv_rows import csv_rows
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.domain.text_lines import LONGEST_LINE, text_lines

split = csv_rows(required=("a",), header="a,b", reads=frozenset({"a", "b"}))


class Counted:
    """Stands for the csv module and notes how long the lines are that it is asked to cut."""

    Error = csv.Error

    def __init__(self) -> None:
        self.longest = 0

    def reader(self, lines: list[str], **how: Any) -> object:
        if isinstance(lines, list):  # a header; rows come lazily
            self.longest = max([self.longest, *map(len, lines)])
        return csv.reader(lines, **how)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    counter = Counted()
    monkeypatch.setattr(module, "csv", counter)
    return counter


@pytest.mark.parametrize("line", [b"a,b" + b"," * 10_000_000, b"a,b" + b",c" * 5_000_000, b"\xe9," * 5_000_000, b'"' * 10_000_000])
def test_a_header_of_millions_of_columns_is_refused_before_it_is_cut(line: bytes, counted: Counted) -> None:
    with pytest.raises(Rejected) as caught:
        list(split(io.BytesIO(line + b"\n1,2\n"), 10))
    assert counted.longest <= len("1,2\n")
    assert (caught.value.fault, caught.value.field) == (Fault.MALFORMED, "header")
    assert "at most 500 columns and 64,000 characters, with at least a" in caught.value.expected
    assert caught.value.example == "a,b"


def test_a_header_of_as_many_columns_as_are_allowed_has_room_for_long_names(counted: Counted) -> None:
    names = ["a", "b", *(f"{number:0>125}" for number in range(498))]
    body = ",".join(names) + "\n" + "1,2" + "," * 498 + "\n"
    assert [dict(raw.fields) for raw in split(io.BytesIO(body.encode()), 10)] == [{"a": "1", "b": "2"}]
    assert counted.longest > 60_000


def test_one_column_more_is_refused_with_the_limit() -> None:
    with pytest.raises(Rejected, match="at most 500"):
        list(split(io.BytesIO(b"a,b" + b",x" * 499 + b"\n1,2\n"), 10))


def test_a_long_line_above_the_header_does_no_harm() -> None:
    cut = list(split(io.BytesIO(b"x" * 100_000 + b"\na,b\n1,2\n"), 10))
    assert [dict(raw.fields) for raw in cut] == [{"a": "1", "b": "2"}]


class Pieces(io.RawIOBase):
    """A stream that counts how often it is read."""

    def __init__(self, body: bytes) -> None:
        self._body = io.BytesIO(body)
        self.reads = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        self.reads += 1
        return self._body.read(size)


def test_blank_lines_above_a_header_are_not_kept() -> None:
    cut = list(split(io.BytesIO(b"\n" * 100_000 + b"a,b\n1,2\n"), 10))
    assert [(dict(raw.fields), raw.line) for raw in cut] == [({"a": "1", "b": "2"}, 100_002)]


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize("over", [-1, 0, 1])
def test_lines_are_the_same_wherever_the_blocks_of_a_stream_end(end: str, over: int) -> None:
    block = 256 << 10
    text = "x" * (block + over) + end + "y" * (3 * block - over) + end + end + "z"
    stream = Pieces(text.encode())
    lines = [line for some in text_lines(stream) for line in some]  # type: ignore[arg-type]
    assert lines == list(io.StringIO(text, newline=""))
    assert stream.reads > 4


def test_a_line_beyond_the_longest_is_given_in_parts_that_make_the_whole() -> None:
    text = "x" * (LONGEST_LINE + (1 << 20)) + "\r\ny\r"
    lines = [line for some in text_lines(io.BytesIO(text.encode())) for line in some]
    assert "".join(lines) == text
    assert max(map(len, lines)) <= LONGEST_LINE + (512 << 10)
    assert lines[-1] == "y\r"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_name_that_goes_over_lines_is_one_name_and_travels_with_each_row(end: str) -> None:
    text = f'Title "{end}"a{end} ",b,"not{end}{end}read"{end}1,2,3{end}"4{end}",5,6{end}'
    found = list(split(io.BytesIO(text.encode()), 10))
    assert [(dict(raw.fields), raw.line) for raw in found] == [({"a": "1", "b": "2"}, 6), ({"a": f"4{end}", "b": "5"}, 7)]
    assert [dict(raw.fields) for one in found for raw in split(io.BytesIO(one.alone()), 10)] == [dict(raw.fields) for raw in found]


def test_a_quote_above_the_header_that_is_never_closed_takes_no_line_with_it() -> None:
    found = list(split(io.BytesIO(b'12" pipe\na,b\n1,2\n"3,4\n'), 10))
    assert [(raw.rejected is None, raw.line) for raw in found] == [(True, 3), (False, 4)]
