"""Workbooks that are none, that are another program's, or that would fill the memory: each is read or told what to change."""

import io
import struct
import zipfile

import pytest
from spikewatch_testing.workbooks import LINKS, MAIN, cut, fields, packed, parts_of, refused, row, table, text

from spikewatch.ingest.domain import xlsx_cells, xlsx_parts
from spikewatch.ingest.domain.rejection import Fault


def test_links_that_lead_out_of_the_workbook_lead_nowhere() -> None:
    parts = parts_of([table(row(text("1"), text("2")))])
    parts["xl/_rels/workbook.xml.rels"] = parts["xl/_rels/workbook.xml.rels"].replace("worksheets/sheet0.xml", "../../../../etc/passwd")
    assert refused(packed(parts)).fault is Fault.MALFORMED


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (OLE + "EncryptedPackage".encode("utf-16-le"), "has a password"),
        (OLE + "Workbook".encode("utf-16-le"), "is an old Excel workbook (.xls)"),
        (b"a,b\n1,2\n", "is text under a workbook's name"),
        (b"<html><table></table></html>", "is a web page or plain XML under a workbook's name"),
        (b"%PDF-1.7 x", "is a PDF under a workbook's name"),
        (b"\x1f\x8b\x08x", "is packed with gzip"),
        (packed({"xl/workbook.bin": "x", "a.xml": "x"}), "is a binary workbook (.xlsb)"),
        (packed({"content.xml": "x", "mimetype": "x"}), "is an OpenDocument file (.ods)"),
        (packed({"may.xlsx": "x"}), "is an archive with files inside"),
        (packed(parts_of([table()]))[:-60], "is cut off or damaged"),
        (packed(parts_of([table()]), zipfile.ZIP_BZIP2), "is packed in another way than workbooks are"),
        (packed(parts_of([table()]), zipfile.ZIP_LZMA), "is packed in another way than workbooks are"),
    ],
)
def test_what_only_has_a_workbooks_name_is_told_what_it_is(body: bytes, problem: str) -> None:
    assert refused(body).problem == problem


def test_an_encrypted_part_asks_for_a_workbook_without_a_password() -> None:
    body = bytearray(packed(parts_of([table()])))
    at = 0
    while (at := body.find(b"PK\x01\x02", at)) >= 0:
        body[at + 8] |= 1
        at += 4
    assert refused(bytes(body)).problem == "has a password"


def test_two_parts_of_one_name_are_refused() -> None:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as book:
        for name, part in parts_of([table()]).items():
            book.writestr(name, part)
        book.writestr("XL\\worksheets/sheet0.xml", "<worksheet/>")
    assert refused(body.getvalue()).problem == "holds two parts of one name"


def test_a_list_of_countless_parts_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(zipfile, "ZipFile", lambda *_: asked.append(1))
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    assert refused(b"PK" + entry * 100_000).fault is Fault.TOO_LARGE
    assert not asked


def test_texts_that_would_fill_the_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_cells, "_MOST_TEXT", 1 << 20)
    # Each as dear as four bytes a character.
    strings = ("<si><t>" + "ab" * 1_000 + "\U0001f600</t></si>") * 200
    assert refused(packed(parts_of([table()], strings=strings), zipfile.ZIP_STORED)).problem == "has too much text"
    assert len(cut(packed(parts_of([table(row(text("1")))], strings=strings[: len(strings) // 2]), zipfile.ZIP_STORED))) == 1


@pytest.mark.parametrize("inner", ["<t>{}</t>".format("x" * 3_000_000), "<r><t>x</t></r>" * 300_000], ids=["one text", "many runs"])
def test_a_text_longer_than_any_cell_is_cut_while_it_is_read(inner: str) -> None:
    sheet = table(
        row('<c t="s"><v>0</v></c>', text("1")), row(f'<c t="inlineStr"><is>{inner}</is></c>', text("2")), row(text("3"), text("3"))
    )
    parts = parts_of([sheet], strings=f"<si>{inner}</si>")
    found = cut(packed(parts, zipfile.ZIP_STORED))
    assert [raw.rejected and raw.rejected.fault for raw in found] == [Fault.TOO_LARGE, Fault.TOO_LARGE, None]
    assert all(len(raw.original) < 25_000 for raw in found)


X14 = "http://schemas.microsoft.com/office/spreadsheetml/2009/9/ac"
MC = "http://schemas.openxmlformats.org/markup-compatibility/2006"
EXCEL = f"""<worksheet xmlns="{MAIN}" xmlns:r="{LINKS}" xmlns:mc="{MC}" mc:Ignorable="x14ac" xmlns:x14ac="{X14}"><dimension ref="A1:B3"/>
<sheetViews><sheetView tabSelected="1" workbookViewId="0"/></sheetViews><sheetFormatPr defaultRowHeight="15" x14ac:dyDescent="0.25"/>
<cols><col min="1" max="1" width="15.85" style="1" bestFit="1" customWidth="1"/></cols><sheetData>
<row r="1" spans="1:2" x14ac:dyDescent="0.25"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c>
</row>
<row r="2" spans="1:2" x14ac:dyDescent="0.25"><c r="A2" s="1"><v>46143.585416666669</v></c>
<c r="B2" t="str"><f>UPPER(C2)</f><v>x</v></c></row>
<row r="3" spans="1:2" x14ac:dyDescent="0.25"><c r="A3" s="1"/><c r="B3" s="0"/></row>
</sheetData><pageMargins left="0.7" right="0.7" top="0.75" bottom="0.75" header="0.3" footer="0.3"/></worksheet>"""
LIBRE_OFFICE = f"""<worksheet xmlns="{MAIN}" xmlns:r="{LINKS}"><sheetPr filterMode="false"><pageSetUpPr fitToPage="false"/></sheetPr>
<dimension ref="A1:B2"/><sheetData><row r="1" customFormat="false" ht="12.8" hidden="false"
customHeight="false" outlineLevel="0" collapsed="false">
<c r="A1" s="0" t="s"><v>0</v></c><c r="B1" s="0" t="s"><v>1</v></c></row>
<row r="2" customFormat="false" ht="12.8" hidden="true"
customHeight="false" outlineLevel="0" collapsed="false">
<c r="A2" s="1" t="n"><v>46143.5854166667</v></c>
<c r="B2" s="0" t="str"><f aca="false">UPPER(C2)</f><v>x</v></c></row></sheetData></worksheet>"""
GOOGLE = f"""<worksheet xmlns="{MAIN}" xmlns:r="{LINKS}" xmlns:mx="http://schemas.microsoft.com/office/mac/excel/2008/main">
<sheetPr><outlinePr summaryBelow="0" summaryRight="0"/></sheetPr><sheetViews><sheetView workbookViewId="0"/></sheetViews><sheetData>
<row r="1"><c r="A1" s="0" t="s"><v>0</v></c><c r="B1" s="0" t="s"><v>1</v></c></row>
<row r="2"><c r="A2" s="1"><v>46143.58541666667</v></c>
<c r="B2" s="0" t="str"><f t="shared" ref="B2:B3" si="1">UPPER(C2)</f><v>x</v></c></row>
<row r="3"><c r="A3" s="1"/><c r="B3" s="0"/></row><row r="4"/></sheetData><drawing r:id="rId1"/></worksheet>"""
SDK = f"""<x:worksheet xmlns:x="{MAIN}"><x:sheetData><x:row r="1"><x:c r="A1" t="s"><x:v>0</x:v></x:c>
<x:c r="B1" t="s"><x:v>1</x:v></x:c></x:row>
<x:row r="2"><x:c r="A2" s="1"><x:v>46143.5854166667</x:v></x:c><x:c r="B2" t="inlineStr"><x:is><x:t>x</x:t></x:is></x:c></x:row>
</x:sheetData></x:worksheet>"""


@pytest.mark.parametrize("sheet", [EXCEL, LIBRE_OFFICE, GOOGLE, SDK], ids=["Excel", "LibreOffice", "Google Sheets", "Open XML SDK"])
def test_what_the_usual_programs_write_is_read(sheet: str) -> None:
    parts = parts_of(
        [""], strings="<si><t>A</t></si><si><t xml:space='preserve'>b </t></si>", formats={0: "", 22: ""}, flags='date1904="false"'
    )
    parts["xl/worksheets/sheet0.xml"] = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n' + sheet
    assert fields(packed(parts)) == [{"a": "2026-05-01T14:03:00", "b": "x"}]


def test_many_parts_that_are_each_allowed_are_refused_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_parts, "_MOST_TOGETHER", 1 << 20)
    notes = f"<sheetData>{row(text('x' * 300_000))}</sheetData>"
    assert refused(packed(parts_of([notes] * 5), zipfile.ZIP_STORED)).fault is Fault.TOO_LARGE
