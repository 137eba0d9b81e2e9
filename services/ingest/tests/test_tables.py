"""Tables as they arrive: encodings, delimiters, broken rows, spreadsheets and their traps."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from spikewatch.ingest.domain.csv_rows import ENCODING_ASSUMED, csv_rows
from spikewatch.ingest.domain.record import RawRecord
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.domain.xlsx_rows import xlsx_rows

csv_split = csv_rows(required=("a",), header="a,b")
xlsx_split = xlsx_rows(required=("a",), header="a,b")
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def rows(body: bytes) -> list[RawRecord]:
    return list(csv_split(io.BytesIO(body), 100))


def fields(cut: list[RawRecord]) -> list[dict[str, object]]:
    return [dict(raw.fields) for raw in cut]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_told_by_the_header(delimiter: str) -> None:
    assert fields(rows(f"a{delimiter}b\n1{delimiter}2\n".encode())) == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_is_read(encoding: str) -> None:
    assert fields(rows("a,b\n1,Zoë Rd\n".encode(encoding))) == [{"a": "1", "b": "Zoë Rd"}]


def test_a_windows_1252_row_is_noted_and_anything_else_is_refused_byte_for_byte() -> None:
    cut = rows(b"a,b\n1,Caf\xe9 Row\n2,\x81\x82\x83\n3,plain\n")
    assert fields(cut)[0] == {"a": "1", "b": "Café Row", ENCODING_ASSUMED: "yes"}
    assert cut[1].rejected is not None
    assert cut[1].rejected.fault is Fault.WRONG_ENCODING
    assert cut[1].alone() == b"a,b\n2,\x81\x82\x83\n"
    assert fields(cut)[2] == {"a": "3", "b": "plain"}


def test_in_a_file_with_utf_8_letters_other_bytes_are_a_fault() -> None:
    cut = rows("a,b\n1,Zoë\n".encode() + b"2,Caf\xe9\n")
    assert [raw.rejected is None for raw in cut] == [True, False]


def test_titles_blank_rows_and_trailing_delimiters_are_no_records() -> None:
    cut = rows(b"Report of May\n\na,b,,\n1,2,,\n,,,\n\n3,4\n")
    assert fields(cut) == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]
    assert [raw.line for raw in cut] == [4, 7]


def test_a_second_header_is_skipped_and_accounted_for() -> None:
    assert [(raw.is_skipped, raw.rejected) for raw in rows(b"a,b\n1,2\nA, b\n3,4\n")] == [(False, None), (True, None), (False, None)]


def test_a_doubled_column_is_refused_only_when_it_is_read() -> None:
    with pytest.raises(Rejected):
        rows(b"a,a\n1,2\n")
    cut = csv_rows(required=("a",), reads=frozenset({"a"}), header="a,b")(io.BytesIO(b"a,b,b\n1,2,3\n"), 10)
    assert fields(list(cut)) == [{"a": "1"}]


def test_a_nul_and_a_huge_cell_spoil_their_rows_only() -> None:
    cut = rows(b"a,b\n1,\0\n2," + b"x" * 10_000_000 + b"\n3,4\n")
    assert [raw.rejected.fault if raw.rejected else None for raw in cut] == [Fault.MALFORMED, Fault.TOO_LARGE, None]


def test_a_wrongly_quoted_row_that_swallows_others_gives_them_back() -> None:
    cut = rows(b'a,b\n"1,2\n3,4\n5",6,7\n8,9\n')
    assert [raw.rejected is None for raw in cut] == [False, True, False, True]


class Endless(io.RawIOBase):
    """A stream of rows that never ends: only a reader that is lazy comes back."""

    def __init__(self) -> None:
        self.taken = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        body = b"a,b\n" if self.taken == 0 else b"1,2\n" * (size // 4)
        self.taken += len(body)
        return body


def test_rows_come_before_the_stream_ends() -> None:
    stream = Endless()
    cut: Iterator[RawRecord] = csv_split(stream, 10**9)  # type: ignore[arg-type]
    assert dict(next(cut).fields) == {"a": "1", "b": "2"}
    assert stream.taken < 10_000_000


def workbook(sheet: str, *, before: str = "", styles: str = "", flags: str = "", compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    link = '<Relationship Id="{}" Type="x/{}" Target="{}"/>'
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", compression) as book:
        book.writestr("_rels/.rels", f"<Relationships>{link.format('r', 'officeDocument', 'xl/workbook.xml')}</Relationships>")
        sheets = '<sheets><sheet r:id="e"/><sheet r:id="s"/></sheets>'
        book.writestr("xl/workbook.xml", f'<workbook xmlns="{MAIN}" xmlns:r="{LINKS}"><workbookPr {flags}/>{sheets}</workbook>')
        links = link.format("e", "worksheet", "e.xml") + link.format("s", "worksheet", "s.xml") + link.format("t", "styles", "t.xml")
        book.writestr("xl/_rels/workbook.xml.rels", f"<Relationships>{links}</Relationships>")
        book.writestr("xl/e.xml", f'<worksheet xmlns="{MAIN}"><sheetData/></worksheet>')
        book.writestr("xl/t.xml", f'<styleSheet xmlns="{MAIN}">{styles}</styleSheet>')
        book.writestr("xl/s.xml", f'{before}<worksheet xmlns="{MAIN}">{sheet}</worksheet>')
    return body.getvalue()


def text(value: str) -> str:
    return f'<c t="inlineStr"><is><t>{value}</t></is></c>'


HEAD = f"<row>{text('Title')}</row><row/><row>{text('A')}{text('B')}</row>"


def cells(sheet: str, **how: str) -> list[dict[str, object]]:
    return fields(list(xlsx_split(io.BytesIO(workbook(f"<sheetData>{HEAD}{sheet}</sheetData>", **how)), 100)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "value", "said"),
    [
        ("yyyy-mm-dd", "46143", "2026-05-01"),
        ("m/d/yy h:mm", "46143.5854166667", "2026-05-01T14:03:00"),
        ("h:mm AM/PM", "0.5854166667", "14:03:00"),
        ('[Red]0.00"d"', "1.5", "1.5"),
        ("00000", "1940", "01940"),
        ("General", "1e3", "1000"),
    ],
)
def test_numbers_say_what_their_format_shows(code: str, value: str, said: str) -> None:
    code = code.replace('"', "&quot;")
    styles = f'<numFmts><numFmt numFmtId="170" formatCode="{code}"/></numFmts><cellXfs><xf numFmtId="170"/></cellXfs>'
    assert cells(f'<row><c s="0"><v>{value}</v></c></row>', styles=styles) == [{"a": said, "b": ""}]


def test_the_1904_calendar_is_followed() -> None:
    styles = '<cellXfs><xf numFmtId="14"/></cellXfs>'
    assert cells('<row><c s="0"><v>44681</v></c></row>', styles=styles, flags='date1904="1"') == [{"a": "2026-05-01", "b": ""}]


def test_formulas_booleans_errors_hidden_rows_and_merged_cells() -> None:
    sheet = '<row r="4"><c r="A4" t="str"><f>X()</f><v>kept</v></c><c r="B4" t="b"><v>1</v></c></row>'
    sheet += '<row r="5" hidden="1"><c r="B5" t="e"><v>#N/A</v></c><c r="A5"><v>7</v></c></row><row r="6"><c r="B6"><v>8</v></c></row>'
    body = workbook(f'<sheetData>{HEAD}{sheet}</sheetData><mergeCells><mergeCell ref="A5:A6"/></mergeCells>')
    cut = list(xlsx_split(io.BytesIO(body), 100))
    assert fields(cut) == [{"a": "kept", "b": "TRUE"}, {"a": "7", "b": ""}, {"a": "7", "b": "8"}]
    assert [raw.line for raw in cut] == [4, 5, 6]


def test_a_row_travels_alone_as_csv() -> None:
    cut = list(xlsx_split(io.BytesIO(workbook(f"<sheetData>{HEAD}<row>{text('x, &quot;y&quot;')}{text('z')}</row></sheetData>")), 10))
    assert cut[0].media_type == "text/csv"
    assert fields(rows(cut[0].alone())) == fields(cut)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"PK\x03\x04 nothing", Fault.MALFORMED),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, Fault.UNSUPPORTED_FORMAT),
        (workbook("<sheetData>" + " " * 20_000_000 + "</sheetData>"), Fault.TOO_LARGE),
        (workbook("<sheetData/>", before='<!DOCTYPE x [<!ENTITY a "b">]>'), Fault.MALFORMED),
        (workbook("<x>" * 100 + "</x>" * 100), Fault.MALFORMED),
        (workbook("<sheetData/>"), Fault.MALFORMED),
    ],
    ids=["no zip", "old or encrypted", "bomb", "document type", "depth", "empty"],
)
def test_hostile_workbooks_are_refused_with_what_to_do(body: bytes, fault: Fault) -> None:
    with pytest.raises(Rejected) as caught:
        list(xlsx_split(io.BytesIO(body), 10))
    assert caught.value.fault is fault
    assert caught.value.example


def test_the_real_sheet_of_ems_calls_is_read(request: pytest.FixtureRequest) -> None:
    path = next(
        (place for place in Path(str(request.config.rootpath)).resolve().parents if (place / "shared/data/incidents").is_dir()), None
    )
    if path is None:
        pytest.skip("the public samples are not here")
    with (path / "shared/data/incidents/baltimore_ems_daily_synthetic.xlsx").open("rb") as stream:
        cut = list(xlsx_rows(required=("incident number",), header="Incident Number")(stream, 1000))
    assert len(cut) == 119
    assert (cut[0].fields["incident date"], cut[0].fields["times : arrived on scene time"]) == ("2018-01-01", "09:00:00")


def test_a_column_that_stands_twice_is_told_by_its_numbers_and_never_by_its_name() -> None:
    split = csv_rows(required=("a",), reads=frozenset({"a", "jane roe"}), header="a,b")
    with pytest.raises(Rejected) as caught:
        list(split(io.BytesIO(b"a,Jane Roe,Jane Roe\n2,x,y\n"), 10))
    assert caught.value.problem == "names a column twice, as number 2 and as number 3"
    assert "roe" not in str(caught.value).lower()
