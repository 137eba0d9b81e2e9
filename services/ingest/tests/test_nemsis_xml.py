"""How an EMSDataSet is cut: many headers, broken parts, hostile XML, encodings, schemas, memory."""

import gzip
import io
import os
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from spikewatch.ingest.adapters.nemsis_schemas import UnusableSchemas, feeds_checked_by, nemsis_check
from spikewatch.ingest.domain.feeds import FEEDS
from spikewatch.ingest.domain.feeds.feed import Feed
from spikewatch.ingest.domain.feeds.nemsis import FEED, validating
from spikewatch.ingest.domain.feeds.nemsis.pieces import MOST_BYTES
from spikewatch.ingest.domain.record import RawRecord
from spikewatch.ingest.domain.rejection import Fault, Rejected

XSI = "http://www.w3.org/2001/XMLSchema-instance"
ROOT = f'<EMSDataSet xmlns="http://www.nemsis.org" xmlns:xsi="{XSI}">'
GROUP = "<DemographicGroup><dAgency.01>A</dAgency.01><dAgency.02>99-1</dAgency.02><dAgency.04>99</dAgency.04></DemographicGroup>"


def pcr(number: int, inner: str = "") -> str:
    uuid = f"{number:08x}-0000-4000-8000-000000000000"
    return f'<PatientCareReport UUID="{uuid}"><eRecord><eRecord.01>P{number}</eRecord.01></eRecord>{inner}</PatientCareReport>'


def dataset(*parts: str, root: str = ROOT) -> str:
    return f"{root}<Header>{GROUP}{''.join(parts)}</Header></EMSDataSet>"


def cut(body: str | bytes, feed: Feed = FEED, limit: int = 100) -> list[RawRecord]:
    return list(feed.records(body.encode() if isinstance(body, str) else body, "application/xml", limit=limit))


def shape(body: str | bytes) -> list[str]:
    """Each record as its UUID's first digits, or the fault it was refused with."""
    return [record.rejected.fault.value if record.rejected else record.fields["PatientCareReport"].uuid[:8] for record in cut(body)]  # type: ignore[attr-defined]


def refused_whole(body: str | bytes) -> Rejected:
    with pytest.raises(Rejected) as caught:
        cut(body)
    assert caught.value.expected
    assert caught.value.example
    return caught.value


ONE, TWO, THREE = "00000001", "00000002", "00000003"


def test_many_headers_and_reports_in_order_with_their_lines() -> None:
    body = f"{ROOT}\n<Header>\n{GROUP}\n{pcr(1)}\n{pcr(2)}\n</Header>\n<Header>{GROUP}\n{pcr(3)}</Header></EMSDataSet>"
    assert shape(body) == [ONE, TWO, THREE]
    assert [(record.index, record.line) for record in cut(body)] == [(0, 4), (1, 5), (2, 8)]


def test_prefixed_namespaces_are_the_same() -> None:
    body = dataset(pcr(1), pcr(2)).replace("<", "<n:").replace("<n:/", "</n:").replace("xmlns=", "xmlns:n=")
    assert shape(body) == [ONE, TWO]
    [record] = cut(cut(body)[1].alone())
    assert record.fields["PatientCareReport"].agency["dAgency.02"] == "99-1"  # type: ignore[attr-defined]


def test_joined_documents_are_read_through() -> None:
    one = '<?xml version="1.0"?>\n' + dataset(pcr(1))
    assert shape(one + "\n" + one.replace(ONE, TWO)) == [ONE, TWO]


@pytest.mark.parametrize(
    "broken",
    [
        "<eScene>",  # an end is missing
        "</eScene>",
        "<eScene><b></eScene></b>",
        "a & b",
        "&undeclared;",
        "<eScene a='1' a='2'/>",
        "<x:eScene/>",
        "\x01",
        "<![CDATA[ no end",
    ],
)
def test_a_report_that_is_not_well_formed_is_refused_alone(broken: str) -> None:
    shapes = shape(dataset(pcr(1), pcr(2, broken), pcr(3)))
    assert shapes[:2] == [ONE, "malformed"]
    assert shapes[2:] == ([THREE] if "CDATA" not in broken else [])  # an open CDATA section hides all that follows
    [fault] = [record.rejected for record in cut(dataset(pcr(2, broken)))]
    assert fault is not None
    assert (fault.field, bool(fault.expected), bool(fault.example)) == ("PatientCareReport", True, True)


def test_a_missing_end_and_text_between_spoil_nothing_else() -> None:
    lost = pcr(2).removesuffix("</PatientCareReport>")
    assert shape(dataset(pcr(1), lost, pcr(3))) == [ONE, "malformed", THREE]
    assert shape(dataset(pcr(1), "garbage", pcr(3))) == [ONE, "malformed", THREE]
    assert shape(dataset(pcr(1), "<surprise><a/></surprise>", pcr(3))) == [ONE, "malformed", THREE]
    assert shape(dataset(pcr(1), "</PatientCareReport>", pcr(3))) == [ONE, "malformed", THREE]


def test_what_a_comment_holds_is_no_report() -> None:
    assert shape(dataset(pcr(1), f"<!-- {pcr(2)} -->", pcr(3, "<!-- </PatientCareReport> -->"))) == [ONE, THREE]
    assert shape(dataset(pcr(1, "<eNarrative><eNarrative.01><![CDATA[</PatientCareReport>]]></eNarrative.01></eNarrative>"))) == [ONE]
    assert shape(dataset("<eCustomConfiguration><a>text</a></eCustomConfiguration>", pcr(1))) == [ONE]


def test_a_truncated_file_gives_what_came_before_and_one_refusal() -> None:
    whole = dataset(pcr(1), pcr(2), pcr(3))
    for end in range(whole.index("</PatientCareReport>") + 20, len(whole) - 1):
        shapes = shape(whole[:end])
        assert shapes[0] == ONE
        assert shapes[-1] == "malformed"
        assert shapes.count("malformed") == 1
    assert shape(whole[: whole.index(TWO)]) == [ONE, "malformed"]


def test_any_block_size_gives_the_same_pieces() -> None:
    body = dataset(pcr(1), "<!-- c -->", "stray", pcr(2, "<!-- <x> --><![CDATA[ > ]]>"), pcr(3)).encode()

    class Dribble(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 7, 7))

    def originals(stream: BinaryIO) -> list[tuple[str, int]]:
        return [(record.original, record.line) for record in FEED.splits["text/xml"](stream, 100)]

    padded = dataset(pcr(1)).encode()[:-22] + b" " * 70_000 + body[body.index(b"<!-- c") :]
    assert originals(Dribble(body)) == originals(io.BytesIO(body))
    assert originals(Dribble(padded)) == originals(io.BytesIO(padded))


# --- hostile


LAUGHS = "".join(f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, 10))


@pytest.mark.parametrize(
    "doctype",
    [
        f'<!DOCTYPE EMSDataSet [<!ENTITY l0 "ha">{LAUGHS}]>',
        '<!DOCTYPE EMSDataSet SYSTEM "http://127.0.0.1:9/evil.dtd">',
        '<!DOCTYPE EMSDataSet [<!ENTITY x SYSTEM "file:///etc/hostname">]>',
        "<!-- c --><?p i?>\n<!doctype EMSDataSet>",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le"])
def test_a_document_type_is_refused_before_anything_is_parsed(doctype: str, encoding: str) -> None:
    fault = refused_whole((doctype + dataset(pcr(1, "&l9;&x;"))).encode(encoding))
    assert fault.fault is Fault.MALFORMED
    assert "document type" in fault.problem


def test_a_document_type_further_on_is_text_that_belongs_to_nothing() -> None:
    assert shape(dataset("<!DOCTYPE a [<!ENTITY b 'c'>]>", pcr(1))) == ["malformed", ONE]
    assert shape(dataset(pcr(1, "<!DOCTYPE a>"), pcr(2))) == ["malformed", TWO]


def test_depth_counts_and_sizes_have_limits() -> None:
    assert shape(dataset(pcr(1, "<a>" * 300 + "</a>" * 300), pcr(2))) == ["too-large", TWO]
    assert shape(dataset(pcr(1, "<a/>" * 200_001), pcr(2))) == ["too-large", TWO]
    assert shape(dataset(pcr(1, "x" * (MOST_BYTES + 300_000)), pcr(2))) == ["too-large", TWO]
    assert shape(dataset(pcr(1, f"<!--{'-x' * (MOST_BYTES // 2 + 300_000)}-->"), pcr(2))) == ["too-large", TWO]
    assert refused_whole(dataset(pcr(1), root=ROOT[:-1] + f' a="{"x" * 3_000}">')).fault is Fault.TOO_LARGE
    assert refused_whole(" " * 300_000 + dataset(pcr(1))).fault is Fault.MALFORMED


def test_inclusions_are_refused() -> None:
    inclusion = '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/hostname" parse="text"/>'
    assert shape(dataset(pcr(1, inclusion), pcr(2))) == ["malformed", TWO]


def test_too_many_records() -> None:
    with pytest.raises(Rejected) as caught:
        cut(dataset(pcr(1), pcr(2), pcr(3)), limit=2)
    assert caught.value.fault is Fault.TOO_LARGE


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", Fault.MALFORMED),
        (b" \n ", Fault.MALFORMED),
        (b"MSH|^~\\&|", Fault.MALFORMED),
        (b"{}", Fault.MALFORMED),
        (b"<?xml version='1.0'", Fault.MALFORMED),
        (b"<html><body/></html>", Fault.UNSUPPORTED_FORMAT),
        (b"<EMSDataSet><Header/></EMSDataSet>", Fault.UNSUPPORTED_FORMAT),
        (b'<DEMDataSet xmlns="http://www.nemsis.org"/>', Fault.UNSUPPORTED_FORMAT),
        (b'<EMSDataSet xmlns="http://www.nemsis.org"/>', Fault.MALFORMED),
        (b'<x:EMSDataSet xmlns="http://www.nemsis.org"></x:EMSDataSet>', Fault.MALFORMED),
        (dataset().encode(), Fault.MALFORMED),
        (dataset(pcr(1)).encode("utf-32"), Fault.WRONG_ENCODING),
        (b'<?xml version="1.0" encoding="EBCDIC-CP-US"?>' + dataset(pcr(1)).encode(), Fault.WRONG_ENCODING),
        (b'<?xml version="1.0" encoding="UTF-7"?>' + dataset(pcr(1)).encode(), Fault.WRONG_ENCODING),
    ],
)
def test_what_is_no_such_document_is_refused_whole(body: bytes, fault: Fault) -> None:
    assert refused_whole(body).fault is fault


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'<DEMDataSet xmlns="http://www.nemsis.org"/>', "DEMDataSet"),
        (b'<StateDataSet xmlns="http://www.nemsis.org"/>', "StateDataSet"),
        (b"<EMSDataSet><Header/></EMSDataSet>", "namespace"),
        (b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body/></s:Envelope>', "envelope"),
        (b'<PatientCareReport xmlns="http://www.nemsis.org"/>', "Header"),
        (gzip.compress(dataset(pcr(1)).encode(), mtime=0), "compressed"),
        (b"PK\x03\x04" + b"x" * 100, "compressed"),
    ],
)
def test_what_agencies_send_instead_is_told_by_its_name(body: bytes, told: str) -> None:
    refused = refused_whole(body)
    assert refused.fault is Fault.UNSUPPORTED_FORMAT
    assert told in refused.problem


# --- encodings


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", ""),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", ""),
        ("cp1252", "windows-1252"),
        ("latin-1", "ISO-8859-1"),
    ],
)
def test_encodings(encoding: str, declared: str) -> None:
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    street = "<eScene><eScene.15>Résumé Street</eScene.15></eScene>"
    [record] = cut((declaration + dataset(pcr(1, street))).encode(encoding))
    assert record.rejected is None
    assert "Résumé Street" in record.original
    [again] = cut(record.alone())
    assert again.original == record.original


def test_one_report_in_another_encoding_is_refused_alone() -> None:
    odd = pcr(2, "<eScene><eScene.15>Résumé</eScene.15></eScene>").encode("latin-1")
    body = dataset(pcr(1), "@", pcr(3)).encode().replace(b"@", odd)
    assert shape(body) == [ONE, "wrong-encoding", THREE]


def test_bytes_that_the_encoding_does_not_have_end_the_file() -> None:
    body = ('<?xml version="1.0" encoding="windows-1252"?>' + dataset(pcr(1))).encode() + b" " * 600_000 + b"\x81"
    assert shape(body) == [ONE, "wrong-encoding"]


def test_every_refused_record_travels_alone_and_is_refused_again() -> None:
    parts = (pcr(1, "<a>"), "stray", pcr(2).removesuffix("</PatientCareReport>"), pcr(3, "&x;"))
    for record in cut(dataset(*parts)):
        assert record.rejected is not None
        [again] = cut(record.alone())
        assert again.rejected is not None


# --- memory


class Endless(io.RawIOBase):
    """A document that is made while it is read."""

    def __init__(self, count: int) -> None:
        self._parts = self._made(count)
        self._rest = b""

    @staticmethod
    def _made(count: int) -> "io.Iterator[bytes]":  # type: ignore[name-defined]
        yield f"{ROOT}<Header>{GROUP}".encode()
        for number in range(count):
            yield pcr(number, "<eVitals>" + "<eVitals.01>2026-04-02T18:07:01-04:00</eVitals.01>" * 200 + "</eVitals>").encode()
        yield b"</Header></EMSDataSet>"

    def read(self, size: int = -1, /) -> bytes:
        while len(self._rest) < size and (part := next(self._parts, None)) is not None:
            self._rest += part
        block, self._rest = self._rest[:size], self._rest[size:]
        return block


def test_memory_does_not_grow_with_the_file() -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        found = sum(1 for record in FEED.splits["text/xml"](Endless(count), count) if record.rejected is None)  # type: ignore[arg-type]
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert found == count
        return most

    assert peak(1_500) < peak(150) + 1_000_000


# --- schemas


@pytest.fixture(scope="module")
def nemsis_folder() -> Path:
    """The public schema and samples, where they are present beside the repository; they are never part of it."""
    root = Path(__file__).parents[3]
    path = Path(os.environ.get("SPIKEWATCH_NEMSIS", str(root.parent / "shared" / "data" / "nemsis")))
    if not path.is_dir():
        pytest.skip("the public NEMSIS schema files are not here; set SPIKEWATCH_NEMSIS to their folder")
    return path


@pytest.fixture(scope="module")
def validated(nemsis_folder: Path) -> Feed:
    return validating(nemsis_check(nemsis_folder / "xsd" / "NEMSIS_EMS_XSDs"))


@pytest.fixture
def sample(nemsis_folder: Path) -> Callable[[str], str]:
    return lambda name: (nemsis_folder / "samples" / name).read_text(encoding="utf-8")


def test_of_the_samples_only_the_intended_failure_is_refused(validated: Feed, nemsis_folder: Path) -> None:
    refused = {
        path.name: record.rejected
        for path in (nemsis_folder / "samples").glob("*.xml")
        for record in cut(path.read_bytes(), validated)
        if record.rejected is not None
    }
    assert list(refused) == ["fail_2025-EMS-FailXsd_v351.xml"]
    [fault] = refused.values()
    assert (fault.fault, fault.field) == (Fault.INVALID_FIELD, "PatientCareReport/eSituation")
    assert fault.expected == "one of eSituation.19, eSituation.20"
    assert "line 121" in fault.problem


def test_the_line_and_path_are_those_of_the_file(validated: Feed, sample: Callable[[str], str]) -> None:
    body = sample("full_2025-EMS-1-Overdose_v351.xml")
    secret = "Mary Example 078-05-1120"
    wrong = body.replace("<eSituation.10>R46.2</eSituation.10>", f"<eSituation.10>{secret}</eSituation.10>")
    line = 1 + wrong[: wrong.index(secret)].count("\n")
    [record] = cut(wrong, validated)
    fault = record.rejected
    assert fault is not None
    assert fault.field == "PatientCareReport/eSituation/eSituation.10[2]"
    assert f"line {line}" in fault.problem
    assert fault.expected.startswith("the pattern ")
    assert "Mary" not in f"{fault} {fault.expected} {fault.example}"


@pytest.mark.parametrize(
    "value",
    [
        "Expected is one of Mary",
        "accepted by the pattern Mary",
        "element of the set Mary",
        "atomic type Mary",
        "maximum length of Mary" * 9,
    ],
)
@pytest.mark.parametrize(
    "element", ["eSituation.01", "eSituation.09", "eSituation.13", "eScene.19", "eRecord.01", "ePatient.15", "eResponse.03"]
)
def test_no_error_repeats_a_value(validated: Feed, sample: Callable[[str], str], element: str, value: str) -> None:
    body = sample("full_2025-EMS-1-Overdose_v351.xml")
    [record] = cut(re.sub(rf"<{re.escape(element)}>[^<]*", f"<{element}>{value}", body), validated)
    if record.rejected is not None:
        assert "Mary" not in f"{record.rejected} {record.rejected.expected} {record.rejected.example}"


def test_one_invalid_record_does_not_spoil_the_file(validated: Feed, sample: Callable[[str], str]) -> None:
    body = sample("full_2025-EMS-1-Overdose_v351.xml")
    start, end = body.index("<PatientCareReport "), body.index("</PatientCareReport>") + len("</PatientCareReport>")
    wrong = body[start:end].replace("<eSituation.13>2813003</eSituation.13>", "<eSituation.13>1</eSituation.13>")
    results = [record.rejected for record in cut(body[:end] + wrong + body[start:], validated)]
    assert [result is None for result in results] == [True, False, True]
    assert results[1] is not None
    assert results[1].expected.startswith("one of '2813001'")


def test_a_folder_without_the_schema_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnusableSchemas, match=r"EMSDataSet_v3\.xsd"):
        nemsis_check(tmp_path)
    (tmp_path / "EMSDataSet_v3.xsd").write_text("<a/>")
    with pytest.raises(UnusableSchemas, match="cannot be read"):
        nemsis_check(tmp_path)


def test_the_feeds_check_when_a_folder_is_given(nemsis_folder: Path) -> None:
    feeds = feeds_checked_by(str(nemsis_folder / "xsd" / "NEMSIS_EMS_XSDs"))
    assert set(feeds) == set(FEEDS) == set(feeds_checked_by(None))
    [record] = cut(dataset(pcr(1)), feeds["nemsis"])
    assert record.rejected is not None
    assert (record.rejected.field, record.rejected.expected) == ("PatientCareReport/eRecord/eRecord.01", "a length of at least '3'")
    [record] = cut(dataset(pcr(1)), feeds_checked_by(None)["nemsis"])
    assert record.rejected is None
