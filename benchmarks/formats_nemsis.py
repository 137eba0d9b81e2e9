"""Measures the NEMSIS feed against lxml only parsing the same bytes, and a large file through ``spikewatch normalize``.

``python benchmarks/formats_nemsis.py`` prints records a second of one core and the ratio; with ``--megabytes 1000`` also the
seconds and the peak memory of the verb on a generated file of that size, which is removed again. The garbage collector is set as the
services set it when they start; the verb runs as it is.
"""

import argparse
import io
import resource
import runpy
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO
from uuid import UUID

from lxml import etree

from spikewatch.chassis.collector import spare_collector
from spikewatch.contracts.vocabulary import SourceType
from spikewatch.ingest.domain.feeds.feed import Source
from spikewatch.ingest.domain.feeds.nemsis import FEED

ROOT = Path(__file__).resolve().parent.parent
RECORDS, HEADERS, VITALS = 1_000, 10, 7
NARRATIVE = (
    "Dispatched to an unresponsive person in a parking lot. Bystanders report use of fentanyl about ten minutes before the call. "
    "Respirations 4 a minute, pupils pinpoint. Bag valve mask, naloxone 4 mg IN with improvement after three minutes. "
) * 5
RECEIVED = datetime(2026, 6, 1, tzinfo=UTC)
EXAMPLE = SimpleNamespace(**runpy.run_path(str(ROOT / "examples" / "feeds" / "nemsis" / "generate.py")))


def reports(count: int, first: int = 1) -> Iterator[str]:
    """Return whole reports with seven groups of vital signs and a narrative, every third an overdose."""
    for number in range(first, first + count):
        other = {} if number % 3 == 0 else {"eSituation_11": "R07.9", "eDispatch_01": "2301021", "eDispatch_03": "10D1", "medications": []}
        yield EXAMPLE.report(number, vitals=VITALS, narrative=NARRATIVE, **other)  # type: ignore[attr-defined]


def corpus(bodies: list[str]) -> bytes:
    """Return one document of several headers."""
    share = -(-len(bodies) // HEADERS)
    headers = [EXAMPLE.header(*bodies[at : at + share]) for at in range(0, len(bodies), share)]  # type: ignore[attr-defined]
    return EXAMPLE.document(*headers).encode()  # type: ignore[attr-defined]


def write_large(file: BinaryIO, bodies: list[str], megabytes: int) -> int:
    """Write a document of so many megabytes whose reports all differ in their UUID, and return how many they are."""
    start, end = EXAMPLE.document(EXAMPLE.header("@")).encode().split(b"@")  # type: ignore[attr-defined]
    file.write(start)
    written = number = 0
    encoded = [body.encode() for body in bodies]
    while written < megabytes * 1_000_000:
        number += 1
        body = encoded[number % len(encoded)]
        body = b'<PatientCareReport UUID="%s"' % str(UUID(int=number)).encode() + body[body.index(b">") :] + b"\n"
        file.write(body)
        written += len(body)
    file.write(end)
    return number


def best(work: Callable[[], int], turns: int = 3) -> tuple[float, int]:
    """Return the shortest CPU time of several turns, and what the work counted."""
    shortest, count = float("inf"), 0
    for _ in range(turns):
        began = time.process_time()
        count = work()
        shortest = min(shortest, time.process_time() - began)
    return shortest, count


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=0, help="also send a file of this size through the verb")
    parser.add_argument("--folder", help="where that file is written (default: the system's temporary folder)")
    arguments = parser.parse_args()
    bodies = list(reports(RECORDS))
    body = corpus(bodies)
    spare_collector()
    print(f"{RECORDS} records, {len(body) / RECORDS / 1000:.1f} kB each, {len(body) / 1e6:.1f} MB")
    _compare(body)
    if arguments.megabytes:
        _verb(bodies, arguments.megabytes, arguments.folder)


def _compare(body: bytes) -> None:
    source = Source("bench", SourceType.EMS, RECEIVED, UUID(int=1), "nemsis", county_fips="99001")

    def parse_whole() -> int:
        return len(etree.fromstring(body))

    def parse_stream() -> int:
        count = 0
        for _, element in etree.iterparse(io.BytesIO(body), tag="{http://www.nemsis.org}PatientCareReport"):
            element.clear()
            count += 1
        return count

    def cut_only() -> int:
        return sum(1 for _ in FEED.records(body, "application/xml", limit=RECORDS))

    def whole_way() -> int:
        count = 0
        for raw in FEED.records(body, "application/xml", limit=RECORDS):
            if raw.rejected is not None:
                raise raw.rejected
            reading = FEED.read(raw.fields, source)
            if reading.report is not None:
                reading.report.to_json()
            count += 1
        return count

    parsed, _ = best(parse_stream)
    for label, work in (
        ("lxml, whole document", parse_whole),
        ("lxml iterparse", parse_stream),
        ("cut and extract", cut_only),
        ("to the report's JSON", whole_way),
    ):
        seconds, _ = best(work)
        print(f"{label:24} {RECORDS / seconds:9,.0f} records/s {len(body) / seconds / 1e6:7.1f} MB/s  {seconds / parsed:5.2f} x iterparse")


def _verb(bodies: list[str], megabytes: int, folder: str | None) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as place:
        path = Path(place) / "large.xml"
        with path.open("wb") as file:
            count = write_large(file, bodies, megabytes)
        command = [sys.executable, "-m", "spikewatch.cli", "normalize", "--format", "nemsis", "--received-at", RECEIVED.isoformat()]
        began = time.perf_counter()
        with subprocess.Popen([*command, "-o", "/dev/null", str(path)], stderr=subprocess.PIPE, text=True) as process:
            peak = _watched(process)
            said = process.stderr.read() if process.stderr else ""
        seconds = time.perf_counter() - began
        size = path.stat().st_size
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"normalize: {size / 1e9:.2f} GB, {count:,} records in {seconds:.0f} s ({usage.ru_utime + usage.ru_stime:.0f} s CPU), "
        f"{count / seconds:,.0f} records/s, peak {peak / 1024:.0f} MB resident, exit status {process.returncode}"
    )
    print(said.strip().splitlines()[-1])


def _watched(process: subprocess.Popen[str]) -> int:
    """Return the most resident memory of a process in kB, once it has ended.

    It is asked for while the process runs: what the system tells afterwards of a child also counts its parent's.
    """
    peak = 0
    while process.poll() is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            break
        peak = max([peak, *(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))])
        time.sleep(0.2)
    return peak


if __name__ == "__main__":
    main()
