"""Writes the examples of 911/CAD calls beside itself. The county is invented; nothing here happened."""

import csv
import io
from pathlib import Path

HERE = Path(__file__).parent


def files() -> dict[str, bytes]:
    """Return the files by name."""
    return {"montgomery_layout.csv": _montgomery(), "vendor.csv": _vendor(), "vendor_semicolons.csv": _semicolons()}


def _montgomery() -> bytes:
    rows = [["lat", "lng", "desc", "zip", "title", "timeStamp", "twp", "addr", "e"]]
    titles = ["EMS: OVERDOSE", "EMS: CARDIAC EMERGENCY", "EMS: UNCONSCIOUS SUBJECT", "Traffic: VEHICLE ACCIDENT -", "EMS: OVERDOSE"]
    for number in range(20):
        title, street = titles[number % 5], f"{number + 1}TH ST & OAK AVE"
        desc = f"{street};  CEDAR; Station 30{number % 4}; 2026-03-13 @ 21:{number:02d}:47;"
        rows.append(
            [
                f"40.12{number:03d}",
                f"-75.33{number:03d}",
                desc,
                "19401" if number % 6 else "",
                title,
                f"2026-03-13 21:{number + 4:02d}:00",
                "CEDAR",
                street,
                "1",
            ]
        )
    rows.append(list(rows[1]))  # posted twice
    rows.append(list(rows[0]))  # the header once more, where two exports were joined
    rows.append(["91.5", "-75.33", "X; 2026-03-13 @ 22:00:00;", "19401", "EMS: OVERDOSE", "2026-03-13 22:04:00", "CEDAR", "X", "1"])
    rows.append(["40.1", "-75.33", "X; 2026-02-30 @ 22:00:00;", "19401", "EMS: OVERDOSE", "2026-03-13 22:04:00", "CEDAR", "X", "1"])
    return _csv(rows) + b'40.1,-75.3,"never closed,19401,EMS: OVERDOSE,2026-03-13 22:04:00,CEDAR,X,1\n'


def _vendor() -> bytes:
    head = [
        "Call Number",
        "Unit",
        "Call Received",
        "Time Dispatched",
        "Final Call Type",
        "MPDS Code",
        "Address",
        "Latitude",
        "Longitude",
        "City",
        "Zip",
        "Caller",
        "Disposition",
    ]
    rows = [["CEDAR COUNTY DISPATCH (invented)"], ["Calls of 2026-05-01"], [], head]
    calls = [
        ("OVERDOSE/POISONING", "", "TRANSPORTED", "100 MAIN ST"),
        ("CHEST PAIN", "10D4", "TRANSPORTED", "200 MAIN ST"),
        ("UNKNOWN PROBLEM", "23D1", "REFUSED", "ELM ST / 3RD AVE"),
        ("DRUG OD", "", "UNFOUNDED", "300 MAIN ST"),
        ("HEROIN OD", "", "NO TRANSPORT", "400 MAIN ST"),
    ]
    for place, (title, code, end, address) in enumerate(calls):
        for unit in ("M1", "E7")[: 2 - place % 2]:  # two units of a call are one call
            received = f"05/01/2026 {place + 1}:0{place} PM"
            number = f"26-000{place:04d}"
            rows.append(
                [
                    number,
                    unit,
                    received,
                    f"05/01/2026 {place + 1}:1{place} PM",
                    title,
                    code,
                    address,
                    "40.1209",
                    "-75.3399",
                    "Cedar",
                    "19401",
                    "JANE EXAMPLE 610-555-0100",
                    end,
                ]
            )
    rows.append([*rows[4][:2], "05/01/2036 1:00 PM", *rows[4][3:]])  # ten years ahead
    return _csv(rows)


def _semicolons() -> bytes:
    text = "Event ID;Incident Date;Incident Time;Nature;Location;Town\r\n"
    text += "42;5/1/2026;14:03;OVERDOSE;Café Row;Cedar\r\n"
    text += "43;5/1/2026;15:04;FALL;Main St;Cedar\r\n"
    return text.encode("cp1252")


def _csv(rows: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


if __name__ == "__main__":
    for name, body in files().items():
        (HERE / name).write_bytes(body)
