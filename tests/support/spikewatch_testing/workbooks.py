"""Builds workbooks, as their parts or packed, and cuts them into rows."""

import io
import zipfile
from collections.abc import Mapping, Sequence

import pytest

from spikewatch.ingest.domain.record import RawRecord
from spikewatch.ingest.domain.rejection import Rejected
from spikewatch.ingest.domain.xlsx_rows import xlsx_rows

__all__ = [
    "HEAD",
    "MAIN",
    "READS",
    "STRICT",
    "STRICT_LINKS",
    "cut",
    "fields",
    "packed",
    "parts_of",
    "refused",
    "row",
    "split",
    "table",
    "text",
]

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
