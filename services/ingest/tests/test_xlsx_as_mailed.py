"""Workbooks as agencies mail them: every one gives the right reading, or a refusal that tells the sender what to change."""

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence

import pytest

from spikewatch.ingest.domain import xlsx_cells, xlsx_parts
from spikewatch.ingest.domain.csv_rows import csv_rows
from spikewatch.ingest.domain.record import RawRecord
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.domain.xlsx_rows import xlsx_rows

READS = frozenset({"a", "b", "c"})
split = xlsx_rows(required=("a", "b"), header="a,b", reads=READS)
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
STRICT_LINKS = "http://purl.oclc.org/ooxml/officeDocument/relationships"
HEAD = "<row><c t='inlineStr'><is><t>a</t></is></c><c t='inlineStr'><is><t>b</t></is></c></row>"


def parts_of(
    sheets: Sequence[str],
    *,
    states: Sequence[str] = (),
    strings: str | None = None,
    formats: Mapping[int, str] | None = None,
    flags: str = "",
    after: str = "",
    main: str = MAIN,
    links: str = LINKS,
) -> dict[str, str]:
    link = '<Relationship Id="{}" Type="' + links + '/{}" Target="{}"/>'
    listed = "".join(
        f'<sheet name="S{n}" r:id="s{n}" {f"state={chr(34)}{states[n]}{chr(34)}" if n < len(states) and states[n] else ""}/>'
        for n in range(len(sheets))
    )
    linked = "".join(link.format(f"s{n}", "worksheet", f"worksheets/sheet{n}.xml") for n in range(len(sheets)))
    parts = {
        "_rels/.rels": f"<Relationships>{link.format('r', 'officeDocument', 'xl/workbook.xml')}</Relationships>",
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{links}"><workbookPr {flags}/><sheets>{listed}</sheets>{after}</workbook>',
        **{f"xl/worksheets/sheet{n}.xml": f'<worksheet xmlns="{main}">{sheet}</worksheet>' for n, sheet in enumerate(sheets)},
    }
    if strings is not None:
        linked += link.format("t", "sharedStrings", "sharedStrings.xml")
        parts["xl/sharedStrings.xml"] = f'<sst xmlns="{main}">{strings}</sst>'
    if formats is not None:
        linked += link.format("y", "styles", "/xl/styles.xml")
        codes = "".join(f'<numFmt numFmtId="{n}" formatCode="{code}"/>' for n, code in formats.items() if code)
        styles = "".join(f'<xf numFmtId="{n}" applyNumberFormat="1"/>' for n in formats)
        parts["xl/styles.xml"] = f'<styleSheet xmlns="{main}"><numFmts>{codes}</numFmts><cellXfs>{styles}</cellXfs></styleSheet>'
    parts["xl/_rels/workbook.xml.rels"] = f"<Relationships>{linked}</Relationships>"
    return parts


def packed(parts: Mapping[str, str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", method) as book:
        for name, text in parts.items():
            book.writestr(name, text)
    return body.getvalue()


def table(*rows: str) -> str:
    return f"<sheetData>{HEAD}{''.join(rows)}</sheetData>"


def row(*cells: str) -> str:
    return f"<row>{''.join(cells)}</row>"


def text(said: str) -> str:
    return f'<c t="inlineStr"><is><t>{said}</t></is></c>'


def cut(body: bytes) -> list[RawRecord]:
    return list(split(io.BytesIO(body), 1_000))


def fields(body: bytes) -> list[dict[str, object]]:
    found = cut(body)
    assert all(raw.rejected is None for raw in found)
    assert [raw.index for raw in found] == list(range(len(found)))
    return [dict(raw.fields) for raw in found]


def refused(body: bytes) -> Rejected:
    with pytest.raises(Rejected) as caught:
        cut(body)
    assert caught.value.problem
    assert caught.value.expected
    assert caught.value.example
    return caught.value


@pytest.mark.parametrize(
    ("code", "value", "said"),
    [
        ("m/d/yy h:mm", "46143.5854166667", "2026-05-01T14:03:00"),
        ("[$-409]mmm d, yyyy", "46143", "2026-05-01"),
        ("[$-409]m/d/yy h:mm\\ AM/PM;@", "46143.5854166667", "2026-05-01T14:03:00"),
        ("[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy", "46143", "2026-05-01"),
        ("yyyy&quot;年&quot;m&quot;月&quot;d&quot;日&quot;", "46143", "2026-05-01"),
        ("m/d/yy h:mm", "0.5854166667", "14:03:00"),
        ("h:mm", "1.5854166667", "14:03:00"),
        ("h:mm", "46143.5854166667", "2026-05-01T14:03:00"),
        ("[h]:mm", "0.5854166667", "14:03:00"),
        ("[h]:mm", "1.5", "36:00:00"),
        ("[mm]:ss", "0.0208333333", "00:30:00"),
        ("[h]:mm", "46143.5854166667", "2026-05-01T14:03:00"),
        ("General", "46143.5854166667", "46143.5854166667"),
        ("00000", "1001", "01001"),
        ("00000\\-0000", "10011234", "01001-1234"),
        ("00000-0000", "10011234", "01001-1234"),
        ("[&lt;=99999]00000;00000\\-0000", "1001", "01001"),
        ("[&lt;=99999]00000;00000\\-0000", "194012345", "19401-2345"),
        ("&quot;PCR-&quot;00000", "42", "PCR-00042"),
        ("00000", "1234567", "1234567"),
        ("00000", "-5", "-5"),
        ("00000", "1.5", "1.5"),
        ("0&quot; mg&quot;", "4", "4"),
        ("0.00&quot;d&quot;", "1.5", "1.5"),
        ("#,##0&quot; days&quot;", "12", "12"),
        ("@", "1001", "1001"),
    ],
)
def test_a_number_says_what_its_format_shows(code: str, value: str, said: str) -> None:
    sheet = table(row(f'<c s="0"><v>{value}</v></c>', text("x")))
    assert fields(packed(parts_of([sheet], formats={170: code}))) == [{"a": said, "b": "x"}]


@pytest.mark.parametrize(("number", "value", "said"), [(46, "1.25", "30:00:00"), (14, "46143", "2026-05-01"), (20, "0.25", "06:00:00")])
def test_formats_that_every_workbook_knows_need_no_code(number: int, value: str, said: str) -> None:
    assert fields(packed(parts_of([table(row(f'<c s="0"><v>{value}</v></c>'))], formats={number: ""})))[0]["a"] == said


def test_a_formula_whose_value_was_not_saved_is_refused_and_not_taken_for_an_empty_cell() -> None:
    sheet = table(
        row("<c><f>A9</f></c>", text("x")),
        row("<c><f>A9</f><v></v></c>", text("x")),
        row("<c><f>A9</f><v>0</v></c>", text("x")),
        row('<c t="str"><f>A9</f><v></v></c>', text("x")),
    )
    found = cut(packed(parts_of([sheet])))
    assert [raw.rejected and (raw.rejected.field, raw.rejected.problem) for raw in found] == [
        ("a", "has a formula whose value was not saved"),
        ("a", "has a formula whose value was not saved"),
        None,
        None,
    ]
    assert dict(found[2].fields) == {"a": "0", "b": "x"}
    assert dict(found[3].fields) == {"a": "", "b": "x"}
    assert found[0].rejected is not None
    assert "save it" in found[0].rejected.example
    assert found[0].alone().endswith(b"#VALUE!,x,has a formula whose value was not saved\r\n")
    assert [raw.rejected is None for raw in csv_rows(required=("a",), header="a")(io.BytesIO(found[0].alone()), 1)] == [False]


def test_where_the_writer_asks_to_calculate_a_formula_with_a_zero_has_no_value_yet() -> None:
    sheet = table(row("<c><f>A9</f><v>0</v></c>", text("x")), row("<c><f>A9</f><v>7</v></c>", text("x")), row("<c><v>0</v></c>", text("x")))
    found = cut(packed(parts_of([sheet], after='<calcPr calcId="1" fullCalcOnLoad="1"/>')))
    assert [raw.rejected is None for raw in found] == [False, True, True]


def test_an_error_is_refused_only_in_a_column_that_is_read_and_not_available_is_nothing() -> None:
    head = row(text("a"), text("other"), text("b"))
    sheet = f"<sheetData>{head}" + "".join(
        row(first, second, third) + ""
        for first, second, third in (
            ('<c t="e"><v>#N/A</v></c>', text("x"), text("1")),
            ('<c t="e"><f>1/0</f><v>#REF!</v></c>', text("x"), text("2")),
            (text("3"), '<c t="e"><v>#DIV/0!</v></c>', text("3")),
            (text("4"), "<c><f>A9</f></c>", text("4")),
        )
    )
    found = cut(packed(parts_of([sheet + "</sheetData>"])))
    assert [raw.rejected and raw.rejected.field for raw in found] == [None, "a", None, None]
    assert [dict(raw.fields) for raw in found if raw.rejected is None] == [{"a": "", "b": "1"}, {"a": "3", "b": "3"}, {"a": "4", "b": "4"}]
    assert b"#REF!" in found[1].alone()


def test_a_text_that_the_workbook_lacks_is_told() -> None:
    sheet = table(row('<c t="s"><v>0</v></c>', text("x")), row('<c t="s"><v>9</v></c>', text("x")))
    found = cut(packed(parts_of([sheet], strings="<si><t>one</t></si>")))
    assert [raw.rejected and raw.rejected.problem for raw in found] == [None, "refers to a text that the workbook lacks"]
    parts = parts_of([sheet], strings="")
    del parts["xl/sharedStrings.xml"]
    assert refused(packed(parts)).problem == "lacks a part that it refers to"


def test_rich_texts_are_whole_and_phonetic_guides_and_escapes_are_no_letters() -> None:
    strings = "<si><r><rPr><b/></rPr><t>Main</t></r><r><t xml:space='preserve'> St</t></r><rPh sb='0' eb='1'><t>メイン</t></rPh></si>"
    strings += "<si><t>Apt_x000D_\n4 _x005F_x0041_ _x0007_</t></si>"
    inline = '<c t="inlineStr"><is><r><t>1st</t></r><r><t> Ave</t></r><rPh sb="0" eb="1"><t>x</t></rPh></is></c>'
    sheet = table(row('<c t="s"><v>0</v></c>', '<c t="s"><v>1</v></c>'), row(inline, '<c t="str"><v>a_x0041_b</v></c>'))
    found = fields(packed(parts_of([sheet], strings=strings)))
    assert found == [{"a": "Main St", "b": "Apt \n4 _x0041_  "}, {"a": "1st Ave", "b": "aAb"}]


def test_where_nobody_says_which_columns_are_read_a_row_is_passed_on_whole_from_the_first_sheet() -> None:
    sheet = (
        f"<sheetData>{row(text('Title'))}{row(text('a'), text('b'), text('c'))}{row(text('1'), text('2'), '<c><f>A9</f></c>')}</sheetData>"
    )
    found = list(xlsx_rows(required=(), header="a")(io.BytesIO(packed(parts_of([sheet, table()]))), 10))
    assert [raw.original for raw in found] == ["a,b,c\r\n", "1,2,#VALUE!\r\n"]


@pytest.mark.parametrize("value", ["1", "true"])
def test_booleans_are_words(value: str) -> None:
    sheet = table(row(f'<c t="b"><v>{value}</v></c>', '<c t="b"><v>0</v></c>'))
    assert fields(packed(parts_of([sheet]))) == [{"a": "TRUE", "b": "FALSE"}]


def test_a_name_with_a_line_break_travels_with_each_row_on_one_line() -> None:
    head = row(text("a"), text("b"), text("not\nread"))
    (found,) = cut(packed(parts_of([f"<sheetData>{head}{row(text('1'), text('2'))}</sheetData>"])))
    assert found.preface == "a,b,not read\r\n"


def test_every_sheet_with_the_table_is_read_in_the_order_that_is_shown() -> None:
    may, june = table(row(text("1"), text("may"))), table(row(text("2"), text("june")))
    notes = f"<sheetData>{row(text('How to fill this in'))}</sheetData>"
    body = packed(parts_of([notes, may, june]))
    assert [found["b"] for found in fields(body)] == ["may", "june"]
    parts = parts_of([may, june])
    listed = '<sheet name="S1" r:id="s1" />'
    parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(listed, "").replace("<sheets>", f"<sheets>{listed}")
    assert [found["b"] for found in fields(packed(parts))] == ["june", "may"]


def test_columns_may_stand_in_another_order_on_another_sheet_and_each_row_travels_with_its_own_header() -> None:
    turned = f"<sheetData>{row(text('b'), text('a'))}{row(text('2'), text('1'))}</sheetData>"
    found = cut(packed(parts_of([table(row(text("1"), text("2"))), turned])))
    assert [dict(raw.fields) for raw in found] == [{"a": "1", "b": "2"}] * 2
    alone = csv_rows(required=("a", "b"), header="a,b", reads=READS)
    assert [dict(raw.fields) for one in found for raw in alone(io.BytesIO(one.alone()), 1)] == [{"a": "1", "b": "2"}] * 2


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_a_hidden_sheet_is_read_only_where_no_other_has_the_table(state: str) -> None:
    old, new = table(row(text("1"), text("old"))), table(row(text("2"), text("new")))
    assert [found["b"] for found in fields(packed(parts_of([old, new], states=[state])))] == ["new"]
    notes = f"<sheetData>{row(text('x'))}</sheetData>"
    assert [found["b"] for found in fields(packed(parts_of([old, notes], states=[state])))] == ["old"]


def test_a_sheet_that_breaks_off_leaves_the_rows_of_those_before_it() -> None:
    parts = parts_of([table(row(text("1"), text("2"))), table(row(text("3"), text("4")))])
    parts["xl/worksheets/sheet1.xml"] = parts["xl/worksheets/sheet1.xml"].replace("</worksheet>", "")
    found = cut(packed(parts))
    assert [raw.rejected is None for raw in found] == [True, True, False]
    assert [raw.index for raw in found] == [0, 1, 2]


def test_a_table_may_start_anywhere_below_merged_titles() -> None:
    def at(place: str, said: str) -> str:
        return f'<c r="{place}" t="inlineStr"><is><t>{said}</t></is></c>'

    sheet = '<dimension ref="A1:A1"/><sheetData>'
    sheet += f'<row r="1">{at("C1", "Overdoses of May")}</row><row r="5">{at("C5", "A")}{at("D5", " B ")}{at("F5", "c")}</row>'
    sheet += f'<row r="6" hidden="1">{at("C6", "1")}{at("D6", "2")}</row><row r="1048576">{at("D1048576", "far")}</row></sheetData>'
    sheet += '<mergeCells count="2"><mergeCell ref="C1:F1"/><mergeCell ref="D5:E5"/></mergeCells>'
    found = cut(packed(parts_of([sheet])))
    assert [dict(raw.fields) for raw in found] == [{"a": "1", "b": "2", "c": ""}, {"a": "", "b": "far", "c": ""}]
    assert [raw.line for raw in found] == [6, 1_048_576]


def test_a_column_name_that_is_merged_over_two_columns_is_no_doubled_name() -> None:
    sheet = table(row(text("1"), text("2"), text("not read")))
    sheet += '<mergeCells><mergeCell ref="B1:C1"/></mergeCells>'
    assert fields(packed(parts_of([sheet.replace("<row><c t='", "<row r='1'><c t='", 1)]))) == [{"a": "1", "b": "2"}]


def test_merged_areas_that_overlap_are_refused_for_each_would_cost_a_row() -> None:
    merges = "".join(f'<mergeCell ref="A2:SG{1_000 + number}"/>' for number in range(100))
    rows = "".join(f'<row r="{line}"><c r="A{line}"><v>1</v></c></row>' for line in range(2, 10))
    sheet = f"<sheetData>{HEAD.replace('<row>', '<row r={}>'.format(chr(34) + '1' + chr(34)))}{rows}</sheetData>"
    assert refused(packed(parts_of([sheet + f"<mergeCells>{merges}</mergeCells>"]))).problem == "has merged cells that overlap"


def test_the_strict_kind_of_workbook_is_read() -> None:
    sheet = table(row('<c t="d"><v>2026-05-01T14:03:00</v></c>', text("x")))
    assert fields(packed(parts_of([sheet], main=STRICT, links=STRICT_LINKS))) == [{"a": "2026-05-01T14:03:00", "b": "x"}]


def test_parts_named_with_backslashes_are_found() -> None:
    parts = {name.replace("/", "\\"): part for name, part in parts_of([table(row(text("1"), text("2")))]).items()}
    assert fields(packed(parts)) == [{"a": "1", "b": "2"}]


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
