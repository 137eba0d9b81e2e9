"""HL7 v2 as it is written: separators, escapes, encodings, and how a stream is cut into messages."""

import gc
import io
from typing import Any

import pytest
from spikewatch_testing.hl7_messages import SOURCE, batch, cut, message, notes, reading, refused

from spikewatch.ingest.domain.feeds.hl7_adt import FEED, MEDIA_TYPE
from spikewatch.ingest.domain.feeds.hl7_adt.er7 import parse
from spikewatch.ingest.domain.rejection import Fault, Rejected


def test_separators_are_the_messages_own() -> None:
    table = str.maketrans("|^~\\&", "#:*?;")
    assert reading(message().translate(table)).report == reading(message()).report


def test_escapes() -> None:
    found = parse("MSH|^~\\&|\r", "utf-8")
    for text, resolved in (
        ("a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f", "a|b^c&d~e\\f"),
        ("\\X41C3A9\\", "Aé"),
        ("\\X4\\\\XZZ\\\\X00\\x", "   x"),
        ("\\.sp 3\\x\\Zabc\\y", " x y"),
        ("open \\ended", "open  ended"),
    ):
        assert found.values.text(text) == resolved


@pytest.mark.parametrize(
    ("declared", "codec"), [("8859/1", "latin-1"), ("UNICODE UTF-8", "utf-8"), ("8859/15", "iso8859_15"), ("", "utf-8")]
)
def test_the_declared_encoding_counts(declared: str, codec: str) -> None:
    body = message(msh={18: declared}, obx="OBX|3|TX|8661-1||café").encode(codec)
    assert [one.text for one in reading(body).found.statements] == ["café"]
    [record] = cut(body)
    assert record.alone() == body.strip()


def test_an_undeclared_western_encoding_is_noted_and_a_wrong_declaration_refused() -> None:
    body = message(obx="OBX|3|TX|8661-1||café").encode("latin-1")
    found = reading(body)
    assert [one.text for one in found.found.statements] == ["café"]
    assert ("MSH-18", "encoding_assumed") in notes(found)
    assert cut(body)[0].alone() == body.strip()
    wrong = message(msh={18: "UNICODE UTF-8"}, obx="OBX|3|TX|8661-1||café").encode("latin-1")
    assert refused(wrong).fault is Fault.WRONG_ENCODING
    assert cut(wrong)[0].alone() == wrong.strip()


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\r\n"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b"\x0b", b"\r\n\r\n", b"  "])
def test_line_ends_and_what_may_stand_before(end: str, start: bytes) -> None:
    body = start + message().replace("\r", end).encode() * 2
    found = cut(body)
    assert [record.rejected for record in found] == [None, None]
    assert [FEED.read(record.fields, SOURCE) for record in found] == [reading(message())] * 2


def test_messages_framed_for_mllp_in_a_file() -> None:
    framed = b"".join(b"\x0b" + message().encode() + b"\x1c\r" for _ in range(3))
    assert [record.rejected for record in cut(framed)] == [None] * 3


def test_a_batch_file_is_its_messages() -> None:
    assert [record.rejected for record in cut(batch(2))] == [None, None]
    assert [record.rejected for record in cut(batch(2, "BTS", "FTS"))] == [None, None]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (batch(2, "BTS|3"), "BTS-1"),
        (batch(2, "BTS|x"), "BTS-1"),
        (batch(2, fts="FTS|2"), "FTS-1"),
        (batch(2, bts=""), "FTS"),
        (batch(2).replace("FTS|1\r", ""), "FTS"),
        (batch(2).replace("BTS|2\rFTS|1\r", ""), "BTS"),
        (batch(2).replace("BTS|2\r", "BHS|^~\\&|\r"), "BHS"),
        (message() * 2 + "BTS|2\r", "BTS"),
    ],
)
def test_a_batch_that_counts_otherwise_or_breaks_off_is_told_and_its_messages_stand(body: str, field: str) -> None:
    found = cut(body)
    assert [record.rejected for record in found[:2]] == [None, None]
    told = [record.rejected.field for record in found[2:] if record.rejected is not None]
    assert told[0] == field
    assert [record.index for record in found] == list(range(len(found)))


@pytest.mark.parametrize(
    "body", [b"", b"\r\n", b"\x0b\x1c\r", b"hello", b"PK\x03\x04", b"BSH|^~\\&|", b'{"a": 1}', message().encode("utf-16")]
)
def test_what_holds_no_message_is_refused_whole(body: bytes) -> None:
    with pytest.raises(Rejected) as caught:
        cut(body)
    assert caught.value.fault in {Fault.MALFORMED, Fault.WRONG_ENCODING}
    assert caught.value.example


def test_what_stands_before_the_first_message_is_refused_alone() -> None:
    first, second = cut("exported 2026-05-01\r" + message())
    assert first.rejected is not None
    assert second.rejected is None
    assert (second.index, second.line) == (1, 2)


def test_every_record_has_its_own_place_whatever_stands_around() -> None:
    found = cut("noise\rBTS|1\r" + message() + "FTS|1\rBTS|2\r")
    assert [record.index for record in found] == [0, 1, 2, 3, 4]
    assert [record.rejected is None for record in found] == [False, False, True, False, False]


def test_a_message_that_was_read_leaves_nothing_to_the_garbage_collector() -> None:
    body = message()
    reading(body)
    gc.collect()
    gc.disable()
    try:
        reading(body)
        left = gc.collect()
    finally:
        gc.enable()
    assert left == 0


def test_too_many_messages() -> None:
    with pytest.raises(Rejected) as caught:
        cut(message() * 3, limit=2)
    assert caught.value.fault is Fault.TOO_LARGE


class Trickle(io.RawIOBase):
    """A stream that gives a few bytes at a time."""

    def __init__(self, body: bytes, step: int) -> None:
        self._body, self._step, self._at = body, step, 0

    def read(self, size: int = -1) -> bytes:
        part = self._body[self._at : self._at + self._step]
        self._at += len(part)
        return part


@pytest.mark.parametrize("step", [1, 3, 7, 64])
def test_a_stream_is_cut_the_same_whatever_its_pieces(step: int) -> None:
    body = b"\xef\xbb\xbf" + batch(3, "BTS|3").encode()
    stream: Any = Trickle(body, step)
    assert list(FEED.records(stream, MEDIA_TYPE, limit=10)) == cut(body)


def test_a_message_larger_than_any_is_refused_alone() -> None:
    huge = message(obx="OBX|3|TX|8661-1||" + "x" * 1_600_000)
    found = cut(message() + huge + message())
    assert [record.rejected.fault if record.rejected else None for record in found] == [None, Fault.TOO_LARGE, None]
    assert [record.index for record in found] == [0, 1, 2]


def test_too_many_segments() -> None:
    assert refused(message(*["ZZZ|1"] * 5_001)).fault is Fault.TOO_LARGE
