"""Rows of CSV a second and core, end to end: cut, read, classify, settle, JSON. Beside it Python's csv module parses the same bytes only.

    python benchmarks/formats_csv.py

Everything runs in one process, one thread, on invented rows. Statutory and ODIN rows are all overdoses; of the calls one in eighty is.
"""

import csv
import gc
import io
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from spikewatch.ingest.domain.classification import Classifier, interpret
from spikewatch.ingest.domain.feeds import FEEDS
from spikewatch.ingest.domain.feeds.feed import Reading, Source
from spikewatch.ingest.domain.revision import History, settle
from spikewatch.ingest.terminology import classifier

ROWS = 40_000
REPEATS = 3


def main() -> None:
    """Print one line for each format."""
    made = classifier(vocabulary_file=None, definitions_file=None)
    gc.freeze()  # as the services do
    print(f"Python {platform.python_version()}, {ROWS:,} rows each, best of {REPEATS}")
    print(f"{'format':<12}{'rows/s/core':>14}{'us a row':>10}{'csv alone, rows/s':>20}{'reports':>10}")
    for name, body in {"statutory": _statutory(), "cad_911": _calls(), "odin": _odin()}.items():
        reports, spent = _best(lambda name=name, body=body: _normalise(name, body, made))  # type: ignore[misc]
        _, alone = _best(lambda body=body: sum(1 for _ in csv.reader(io.TextIOWrapper(io.BytesIO(body), newline=""))))  # type: ignore[misc]
        print(f"{name:<12}{ROWS / spent:>14,.0f}{spent / ROWS * 1e6:>10.1f}{ROWS / alone:>20,.0f}{reports:>10,}")


def _best(work: Callable[[], int]) -> tuple[int, float]:
    spent = []
    for _ in range(REPEATS):
        start = time.process_time()
        made = work()
        spent.append(time.process_time() - start)
    return made, min(spent)


def _normalise(name: str, body: bytes, made: Classifier) -> int:
    feed = FEEDS[name]
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
    for raw in feed.records(body, "text/csv", limit=10**9):
        reading = interpret(feed, raw.fields, source, made)
        if isinstance(reading, Reading):
            settled = settle(History(reading.report.report_key), reading, raw.index)
            assert settled.report is not None
            settled.report.to_json()
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
        f"40.1{n % 1000:03d},-75.3{n % 997:03d},{n % 99}TH ST & OAK AVE;  CEDAR; Station 3{n % 90:02d}; 2026-03-13 @ 21:{n % 60:02d}:47;,19401,"  # noqa: E501
        f"{titles[n % 80]},2026-03-13 22:{n % 60:02d}:00,CEDAR,{n % 99}TH ST & OAK AVE,1"
        for n in range(ROWS)
    ]
    return "\n".join(rows).encode()


def _odin() -> bytes:
    drugs = ["HEROIN", "FENTANYL", "COCAINE/CRACK", "UNKNOWN", "ALCOHOL", "METHADONE", "MARIJUANA", "OTHER", "CARFENTANIL", "SUBOXONE"]
    head = "Incident ID,Incident Date,Incident Time,Day,Incident County Name,Incident State,Victim ID,Gender Desc,Age Range,Race,Ethnicity Desc"  # noqa: E501
    head += ",Incident County FIPS Code,Naloxone Administered,Response Time Desc,Survive," + ",".join(drugs)
    rows = [head]
    rows += [
        f"{n},03/15/2026,13:{n % 60:02d}:00,Sunday,Cedar,Pennsylvania,{n + 7},Male,30 - 39,Unknown,Unknown,045,Y,1-3 MINUTES,Y,"
        + ",".join("1" if n % 10 == place else "0" for place in range(10))
        for n in range(ROWS)
    ]
    return "\n".join(rows).encode()


if __name__ == "__main__":
    main()
