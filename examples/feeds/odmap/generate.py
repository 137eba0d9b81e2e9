"""Writes ODMAP-style examples beside itself. People, places and overdoses are invented."""

import csv
import io
import json
from pathlib import Path

HERE = Path(__file__).parent
HEAD = [
    "Overdose Date",
    "Overdose Time",
    "Street Address",
    "City",
    "Zip Code",
    "Fatal / Non-Fatal",
    "Naloxone Administered",
    "Number of Doses",
]
HEAD += ["Administered By", "Age", "Gender", "Primary Suspected Drug", "Additional Suspected Drugs", "Victim Name", "Case Number"]


def files() -> dict[str, bytes]:
    """Return the files by name."""
    rows = _rows()
    named = [dict(zip(HEAD, row, strict=True)) for row in rows[:4]]
    return {"rows.csv": _csv([HEAD, *rows]), "records.json": json.dumps(named, indent=1).encode()}


def _rows() -> list[list[str]]:
    rows = []
    for number in range(12):
        outcome = ["Non-Fatal", "Fatal", "Nonfatal - Naloxone", "Unknown"][number % 4]
        given = ["Yes", "No", "", "Unknown"][number % 4]
        person = [str(20 + number) if number % 3 else "30-39", "Male" if number % 2 else "Female"]
        drugs = [["Heroin", "Fentanyl", "Unknown", "Cocaine"][number % 4], "Xylazine; Alcohol" if number == 6 else ""]
        rows.append(
            [
                "5/1/2026",
                f"{number % 12 + 1}:03 PM",
                f"{number + 1}00 Main St",
                "Cedar",
                "19401",
                outcome,
                given,
                "2" if given == "Yes" else "",
                "Police" if number % 2 == 0 else "",
                *person,
                *drugs,
                "Pat Example",
                f"26-{number:04d}",
            ]
        )
    rows.append(list(rows[0]))  # sent twice
    rows.append([*rows[1][:5], "maybe", *rows[1][6:]])
    rows.append(["31/12/2025", *rows[1][1:]])  # the day before the month
    return rows


def _csv(rows: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


if __name__ == "__main__":
    for name, body in files().items():
        (HERE / name).write_bytes(body)
