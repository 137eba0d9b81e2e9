import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewatch.ingest.domain.csv_rows import csv_rows
from spikewatch.ingest.domain.feeds import FEEDS
from spikewatch.ingest.domain.record import RawRecord, as_text, json_lines, json_records
from spikewatch.ingest.domain.rejection import Fault, Rejected

rows = csv_rows(required=("a",), header="a,b")


def test_an_array_is_cut_into_its_elements_as_they_were_sent() -> None:
    cut = list(json_records(' [ {"a": 1.50} ,{"b":[2]}, 3 ] ', 10))
    assert [raw.original for raw in cut] == ['{"a": 1.50}', '{"b":[2]}', "3"]
    assert [raw.rejected is None for raw in cut] == [True, True, False]


@pytest.mark.parametrize(
    "text", ["{", '{"a":1}x', "[1,]", "[{}", "[]", "[{} {}]", "nul", '{"a":NaN}', "[" * 100_000, '{"a":' + "9" * 5000 + "}"]
)
def test_json_that_is_broken_as_a_whole_is_refused(text: str) -> None:
    with pytest.raises(Rejected) as caught:
        list(json_records(text, 10))
    assert caught.value.fault is Fault.MALFORMED


def test_deep_nesting_is_refused_for_its_record_alone() -> None:
    deep = '{"x":' * 40 + "1" + "}" * 40
    cut = list(json_records(f"[{deep}, {{}}]", 10))
    assert [raw.rejected is None for raw in cut] == [False, True]


def test_a_broken_line_is_refused_alone() -> None:
    cut = list(json_lines('{"a":1}\r\n\n{"b"\n{"c":3}', 10))
    assert [(raw.index, raw.line, raw.rejected is None) for raw in cut] == [(0, 1, True), (1, 3, False), (2, 4, True)]


@pytest.mark.parametrize("split", [json_records, json_lines])
def test_more_records_than_the_limit_are_refused(split: object) -> None:
    text = "[{},{},{}]" if split is json_records else "{}\n{}\n{}"
    assert len(list(split(text, 3))) == 3  # type: ignore[operator]
    with pytest.raises(Rejected) as caught:
        list(split(text, 2))  # type: ignore[operator]
    assert caught.value.fault is Fault.TOO_LARGE


def test_a_byte_order_mark_is_dropped_and_other_encodings_are_refused() -> None:
    assert as_text(b"\xef\xbb\xbf{}") == "{}"
    for foreign in ("Zoë".encode("latin-1"), "{}".encode("utf-16"), "{}".encode("utf-16-le"), "{}".encode("utf-16-be")):
        with pytest.raises(Rejected) as caught:
            as_text(foreign)
        assert caught.value.fault is Fault.WRONG_ENCODING
    for empty in (b"", b" \r\n", b"\xef\xbb\xbf"):
        with pytest.raises(Rejected):
            as_text(empty)


def cut_rows(text: str, limit: int) -> list[RawRecord]:
    return list(rows(io.BytesIO(text.encode()), limit))


def test_rows_keep_their_text_with_mixed_line_ends_and_quoted_line_breaks() -> None:
    text = 'A, B\r\n1,"x\ny"\n\n2,z\r3,w'
    cut = cut_rows(text, 10)
    assert [raw.original for raw in cut] == ['1,"x\ny"\n', "2,z\r", "3,w"]
    assert [dict(raw.fields) for raw in cut] == [{"a": "1", "b": "x\ny"}, {"a": "2", "b": "z"}, {"a": "3", "b": "w"}]
    assert cut[2].alone() == b"A, B\r\n3,w"


def test_an_unclosed_quote_spoils_its_own_line_only() -> None:
    cut = cut_rows('a,b\n1,2\n"3,4\n5,6\n7\n8,9\n', 10)
    assert [raw.rejected is None for raw in cut] == [True, False, True, False, True]
    assert sum(len(raw.original) for raw in cut) == len('1,2\n"3,4\n5,6\n7\n8,9\n')


def test_a_header_without_a_required_column_tells_the_expected_header() -> None:
    with pytest.raises(Rejected) as caught:
        cut_rows("b,c\n1,2\n", 10)
    assert (caught.value.fault, caught.value.field, caught.value.example) == (Fault.MISSING_FIELD, "a", "a,b")


@pytest.mark.parametrize("text", ["a,a\n1,2\n", "a,b\n", '"a,b\n1,2\n'])
def test_a_header_that_cannot_be_used_is_refused(text: str) -> None:
    with pytest.raises(Rejected):
        cut_rows(text, 10)


def test_a_cell_beyond_the_limit_is_refused_for_its_row_alone() -> None:
    cut = cut_rows("a,b\n1," + "x" * 20_000 + "\n2,3\n", 10)
    assert [raw.rejected.fault if raw.rejected else None for raw in cut] == [Fault.TOO_LARGE, None]


@given(st.binary(max_size=400) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_cut_or_refused_and_never_crash(body: bytes) -> None:
    for feed in FEEDS.values():
        for media in feed.splits:
            try:
                cut = list(feed.records(body, media, limit=1000))
            except Rejected:
                continue
            assert [raw.index for raw in cut] == list(range(len(cut)))


@given(st.lists(st.dictionaries(st.text(max_size=8), st.text(max_size=8) | st.integers() | st.none(), max_size=4), min_size=1, max_size=8))
def test_every_element_of_an_array_alone_says_what_it_said_in_the_array(records: list[dict[str, object]]) -> None:
    cut = list(json_records(json.dumps(records), 100))
    assert [json.loads(raw.alone()) for raw in cut] == records
