"""Writes the examples of the statutory minimum beside itself: CSV, JSON lines and a workbook. Everything in them is invented."""

import csv
import io
import json
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
HEAD = [
    "record_id",
    "occurred_at",
    "lat",
    "lon",
    "address",
    "zip",
    "outcome",
    "reversal_given",
    "reversal_doses",
    "suspected_drugs",
    "age",
    "sex",
]
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def files() -> dict[str, bytes]:
    """Return the files by name."""
    rows = _rows()
    good = [{name: cell for name, cell in zip(HEAD, row, strict=True) if cell} for row in rows[:3]]
    return {
        "rows.csv": _csv([HEAD, *rows]),
        "records.jsonl": b"".join(json.dumps(record).encode() + b"\n" for record in good) + b'{"record_id": "PCR-9", "outcome": \n',
        "workbook.xlsx": _workbook([["Overdose reports of May (invented)"], HEAD, *rows[:4]]),
    }


def _rows() -> list[list[str]]:
    rows = []
    for number in range(10):
        place = ["40.1209", "-75.3399", f"{number + 1}00 MAIN ST", "19401"] if number % 2 else ["", "", "", "19401"]
        said = [
            "fatal" if number == 3 else "nonfatal",
            "yes" if number % 3 else "no",
            "2" if number % 3 else "",
            "fentanyl; xylazine" if number % 2 else "Heroin",
        ]
        rows.append(
            [
                f"PCR-26-{number:04d}",
                f"2026-05-01T1{number}:03:00-04:00",
                *place,
                *said,
                str(25 + number),
                "male" if number % 2 else "female",
            ]
        )
    rows.append(list(rows[0]))  # sent twice
    rows.append([*rows[1][:6], "better", *rows[1][7:]])
    rows.append(["PCR-26-0042", "2026-02-30", *rows[1][2:]])
    rows.append(["PCR-26-0043", "2036-05-01T10:00:00Z", *rows[1][2:]])
    return rows


def _workbook(rows: list[list[str]]) -> bytes:
    cells = "".join("<row>" + "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in row) + "</row>" for row in rows)
    head = f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="r1" Type="{_LINKS}'
    sheets = '<sheets><sheet name="May" sheetId="1" r:id="r1"/></sheets>'
    parts = {
        "_rels/.rels": f'{head}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}">{sheets}</workbook>',
        "xl/_rels/workbook.xml.rels": f'{head}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{_MAIN}"><sheetData>{cells}</sheetData></worksheet>',
    }
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as book:
        for name, text in parts.items():
            book.writestr(zipfile.ZipInfo(name), text)
    return body.getvalue()


def _csv(rows: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


if __name__ == "__main__":
    for name, body in files().items():
        (HERE / name).write_bytes(body)
