"""Workbooks as agencies mail them: what their cells and sheets say."""

import io

import pytest
from spikewatch_testing.workbooks import HEAD, READS, STRICT, STRICT_LINKS, cut, fields, packed, parts_of, refused, row, table, text

from spikewatch.ingest.domain.csv_rows import csv_rows
from spikewatch.ingest.domain.xlsx_rows import xlsx_rows


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
