"""Rows of CSV a second and core, end to end: cut, read, classify, settle, write JSON lines. Beside it Python's csv parses the same bytes.

    python benchmarks/formats_csv.py [FORMAT …]

Everything runs in one process, one thread, on invented rows; both are measured in turns, and the best of each counts. Rows of all
tables but calls are all overdoses; of the calls one in eighty is. CPU time, not the clock's.
"""

import argparse
import csv
import gc
import io
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from spikewatch.ingest.domain.classification import Classifier, interpret
from spikewatch.ingest.domain.feeds import FEEDS
from spikewatch.ingest.domain.feeds.feed import Feed, Reading, Source
from spikewatch.ingest.domain.profiles.bases import compiled
from spikewatch.ingest.domain.revision import History, settle
from spikewatch.ingest.terminology import classifier

ROWS = 40_000
REPEATS = 5

PROFILE = """
name: tablet-export
version: 1
base: columns
record_id: Incident Number
incident_number: Incident Number
occurred_at: {columns: [Incident Date, Incident Time], formats: MM/DD/YYYY, basis: on_scene}
place: {lat: Latitude, lon: Longitude, address: Scene Address, city: City, zip: Zip}
outcome: {column: Patient Status, values: {Alive: nonfatal, Dead: fatal}}
sex: {column: Gender, values: {M: male, F: female}}
age: Age
reversal_given: {column: Narcan Given, values: {Y: yes, N: no}}
reversal_doses: Narcan Doses
drugs: {column: Drug, split: ";"}
"""


def main() -> None:
    """Print one line for each format."""
    bodies = {"statutory": _statutory, "odmap": _odmap, "odin": _odin, "cad_911": _calls, "profile": _tablet}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("formats", nargs="*", metavar="FORMAT", help=f"of {', '.join(bodies)} (default: all)")
    chosen = parser.parse_args().formats or list(bodies)
    made = classifier()
    gc.freeze()  # as the services do
    print(f"Python {platform.python_version()}, {ROWS:,} rows each, best of {REPEATS}")
    print(f"{'format':<12}{'rows/s/core':>14}{'us a row':>10}{'csv alone, rows/s':>20}{'ratio':>8}{'reports':>10}")
    with TemporaryDirectory() as folder:
        for name in chosen:
            body, written = bodies[name](), Path(folder) / f"{name}.jsonl"
            spent, alone, reports = [], [], 0
            for _ in range(REPEATS):
                reports, took = _timed(lambda: _normalise(name, body, made, written))  # noqa: B023  # called at once
                spent.append(took)
                alone.append(_timed(lambda: sum(1 for _ in csv.reader(io.TextIOWrapper(io.BytesIO(body), newline=""))))[1])  # noqa: B023
            best, parsed = min(spent), min(alone)
            print(f"{name:<12}{ROWS / best:>14,.0f}{best / ROWS * 1e6:>10.1f}{ROWS / parsed:>20,.0f}{best / parsed:>8.0f}{reports:>10,}")


def _timed(work: Callable[[], int]) -> tuple[int, float]:
    start = time.process_time()
    made = work()
    return made, time.process_time() - start


def _feed(name: str) -> Feed:
    return compiled(PROFILE)[1] if name == "profile" else FEEDS[name]


def _normalise(name: str, body: bytes, made: Classifier, written: Path) -> int:
    feed = _feed(name)
    source = Source(
        agency_id="cedar",
        source_type=feed.default_source,
        received_at=datetime(2026, 11, 1, tzinfo=UTC),
        submission_id=UUID(int=1),
        format=name,
        time_zone="America/New_York",
        county_fips="99001",
    )
    reports = 0
    histories: dict[UUID, History] = {}
    with written.open("w", encoding="utf-8") as out:
        for raw in feed.records(body, "text/csv", limit=10**9):
            reading = interpret(feed, raw.fields, source, made)
            if not isinstance(reading, Reading):
                continue
            key = reading.report.report_key
            settled = settle(histories.setdefault(key, History(key)), reading, raw.index)
            out.write(settled.wire.decode() + "\n")
            reports += 1
    return reports


def _statutory() -> bytes:
    rows = ["record_id,occurred_at,lat,lon,address,zip,outcome,reversal_given,suspected_drugs,age,sex"]
    rows += [
        f"R{n},2026-05-01T14:{n % 60:02d}:00-04:00,40.1{n % 1000:03d},-75.3{n % 997:03d},{n % 999} MAIN ST,19401,nonfatal,yes,"
        f"fentanyl; xylazine,{20 + n % 50},male"
        for n in range(ROWS)
    ]
    return "\n".join(rows).encode()


def _calls() -> bytes:
    rows = ["lat,lng,desc,zip,title,timeStamp,twp,addr,e"]
    titles = ["EMS: OVERDOSE", *[f"EMS: COMPLAINT {kind}" for kind in range(79)]]
    rows += [
        f"40.1{n % 1000:03d},-75.3{n % 997:03d},"
        f"{n % 99}TH ST & OAK AVE;  CEDAR; Station 3{n % 90:02d}; 2026-03-13 @ 21:{n % 60:02d}:47;,19401,{titles[n % 80]},"
        f"2026-03-13 22:{n % 60:02d}:00,CEDAR,{n % 99}TH ST & OAK AVE,1"
        for n in range(ROWS)
    ]
    return "\n".join(rows).encode()


def _odin() -> bytes:
    drugs = ["HEROIN", "FENTANYL", "COCAINE/CRACK", "UNKNOWN", "ALCOHOL", "METHADONE", "MARIJUANA", "OTHER", "CARFENTANIL", "SUBOXONE"]
    head = "Incident ID,Incident Date,Incident Time,Day,Incident County Name,Incident State,Victim ID,Gender Desc,Age Range,Race"
    head += ",Ethnicity Desc,Incident County FIPS Code,Naloxone Administered,Response Time Desc,Survive," + ",".join(drugs)
    rows = [head]
    rows += [
        f"{n},03/15/2026,13:{n % 60:02d}:00,Sunday,Cedar,Pennsylvania,{n + 7},Male,30 - 39,Unknown,Unknown,045,Y,1-3 MINUTES,Y,"
        + ",".join("1" if n % 10 == place else "0" for place in range(10))
        for n in range(ROWS)
    ]
    return "\n".join(rows).encode()


def _odmap() -> bytes:
    rows = ["Overdose Date,Overdose Time,Latitude,Longitude,Zip Code,Fatal / Non-Fatal,Naloxone Administered,Number of Doses,Age,Gender"]
    rows[0] += ",Primary Suspected Drug,Case Number"
    rows += [
        f"03/15/2026,13:{n % 60:02d},40.1{n % 1000:03d},-75.3{n % 997:03d},19401,Non-Fatal,Yes,{1 + n % 3},{20 + n % 50},Male,"
        f"Heroin,26-{n:06d}"
        for n in range(ROWS)
    ]
    return "\n".join(rows).encode()


def _tablet() -> bytes:
    rows = ["Incident Number,Incident Date,Incident Time,Latitude,Longitude,Scene Address,City,Zip,Patient Status,Gender,Age"]
    rows[0] += ",Narcan Given,Narcan Doses,Drug"
    rows += [
        f"26-{n:06d},03/15/2026,13:{n % 60:02d}:{n % 59:02d},40.1{n % 1000:03d},-75.3{n % 997:03d},{n % 999} MAIN ST,CEDAR,19401,Alive,M,"
        f"{20 + n % 50},Y,{1 + n % 3},Heroin;Fentanyl"
        for n in range(ROWS)
    ]
    return "\n".join(rows).encode()


if __name__ == "__main__":
    main()
