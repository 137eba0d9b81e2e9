"""The match stage as it runs: one enrichment process with Kafka and mongod beside it, fed with located reports.

    python benchmarks/matching_service.py [--reports 60000] [--cities 8] [--mix default] [--spans all] [--instances 2] [--flood 100000]
        [--profile FILE]

Reports are those of ``matching_draws.py`` (about 3.6 of each overdose, a year of each city), in the order of their arrival. All lie in
the topic before the service starts, so what is measured is how fast it works them off: reports a second between its first and its last
commit, and CPU microseconds a report of each process. With ``--flood`` then comes a feed that repeats itself: so many reports of one
agency, place and hour. ``--instances`` share the partitions. ``--profile`` needs py-spy on the PATH.
"""

import argparse
import asyncio
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psutil
from matching_draws import MIXES, draw_reports
from measured_stack import TRACING, Groups
from opentelemetry import trace

from spikewatch.chassis.kafka.connection import KafkaConnection
from spikewatch.chassis.kafka.publisher import Publisher
from spikewatch.chassis.settings import ChassisSettings
from spikewatch.cli.stack.stack import Stack, StackOptions
from spikewatch.contracts import identifiers
from spikewatch.contracts.report import Drug, LocatedReport, Location, Position, Report, Reversal, Victims
from spikewatch.contracts.vocabulary import (
    Disposition,
    DrugClass,
    Outcome,
    PlacePrecision,
    Sex,
    SourceType,
    TimeBasis,
    TimePrecision,
    YesNo,
)
from spikewatch.enrichment.handlers import located_message

GROUP = "enrichment-match"
# Every record of the pipeline carries the trace of the submission that it comes from.
SUBMISSION = trace.NonRecordingSpan(trace.SpanContext(1, 1, is_remote=False, trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED)))
CITIES = 8
OVERDOSE_REPORTS = 3.6
PRECISION = {
    "address": PlacePrecision.POINT,
    "place": PlacePrecision.POINT,
    "intersection": PlacePrecision.INTERSECTION,
    "block": PlacePrecision.BLOCK,
    "street": PlacePrecision.STREET,
    "zip": PlacePrecision.ZIP,
}
TIME = {"second": TimePrecision.SECOND, "minute": TimePrecision.MINUTE, "day": TimePrecision.DATE}
SEX = {"M": Sex.MALE, "F": Sex.FEMALE}
OUTCOME = {"FATAL": Outcome.FATAL, "NONFATAL": Outcome.NONFATAL, "IMPROVED": Outcome.NONFATAL}
DISPOSITION = {"TRANSPORT": Disposition.TRANSPORTED, "REFUSED": Disposition.REFUSED, "DOS": Disposition.DIED_ON_SCENE}
GIVEN = {"1": YesNo.YES, "0": YesNo.NO}


def located(row: dict[str, str], city: int) -> LocatedReport:
    """Return a row of a draw as the located report that the pipeline makes of such a one."""
    kind, record = row["agency"].lower(), row["agency_record_no"]
    agency, county = f"city{city}-{kind}", f"{99_001 + 2 * city}"
    precision = PRECISION.get(row["geo_precision"], PlacePrecision.NONE)
    place = (float(row["lat"]) + city % 8, float(row["lon"]) + city // 8) if row["lat"] and precision is not PlacePrecision.NONE else None
    drug = {"": None, "METH": DrugClass.METHAMPHETAMINE}.get(row["drug"]) if row["drug"] in {"", "METH"} else DrugClass(row["drug"].lower())
    received = datetime.fromisoformat(row["received_at"])
    revision = 1 + int(row["is_resend"])
    report = Report(
        report_id=identifiers.report_id(agency, record, revision),
        report_key=identifiers.report_key(agency, record),
        source_agency_id=agency,
        source_record_id=record,
        revision=revision,
        source_type=SourceType(kind),
        occurred_at=datetime.fromisoformat(row["event_time"]),
        occurred_at_basis=TimeBasis.REPORTED,
        occurred_at_precision=TIME[row["time_precision"]],
        received_at=received,
        location=Location(address=row["address_text"] or None, zip5=row["zip"] or None),
        outcome=OUTCOME.get(row["outcome"], Outcome.UNKNOWN),
        drugs=() if drug is None else (Drug(term=drug.value, drug_class=drug),),
        reversal=Reversal(
            given=GIVEN.get(row["naloxone"], YesNo.UNKNOWN), doses=int(row["naloxone_doses"]) if row["naloxone_doses"] else None
        ),
        victims=Victims(age=min(int(row["age"]), 89) if row["age"] else None, sex=SEX.get(row["sex"], Sex.UNKNOWN)),
        disposition=DISPOSITION.get(row["disposition"], Disposition.UNKNOWN),
        destination=f"{row['hospital']} {city // 8 or ''}".strip() if row["hospital"] else None,  # eight cities share their hospitals
        cad_number=row["cad_no"] or None,
        submission_id=UUID(int=1),
        submission_format="csv",
    )
    position = None if place is None else Position(lat=place[0], lon=place[1], precision=precision, radius_m=100, method="reported")
    return LocatedReport(report=report, position=position, areas=(f"county:{county}",), place_key=county)


def reports_of(mix: str, count: int, cities: int = CITIES) -> list[LocatedReport]:
    """Return so many reports of some cities in the order in which they came."""
    rows = [
        (row, city)
        for city in range(cities)
        for row in draw_reports(MIXES[mix], round(count / cities / OVERDOSE_REPORTS * 1.1), 100 + city)
    ]
    rows.sort(key=lambda one: (one[0]["received_at"], one[1]))
    return [located(row, city) for row, city in rows[:count]]


def flood_of(count: int) -> Iterator[LocatedReport]:
    """Yield what a broken feed sends: one overdose again and again within an hour, each time as a new record."""
    at = datetime(2026, 2, 1, tzinfo=UTC)
    for number in range(count):
        report = Report(
            report_id=identifiers.report_id("flooding-ems", str(number), 1),
            report_key=identifiers.report_key("flooding-ems", str(number)),
            source_agency_id="flooding-ems",
            source_record_id=str(number),
            revision=1,
            source_type=SourceType.EMS,
            occurred_at=at + timedelta(hours=number / count),
            occurred_at_basis=TimeBasis.REPORTED,
            occurred_at_precision=TimePrecision.SECOND,
            received_at=at + timedelta(hours=1),
            location=Location(),
            victims=Victims(age=30),
            submission_id=UUID(int=1),
            submission_format="csv",
        )
        position = Position(lat=40.5, lon=-79.5, precision=PlacePrecision.POINT, radius_m=100, method="reported")
        yield LocatedReport(report=report, position=position, areas=("county:99001",), place_key="99001")


async def send(stack: Stack, reports: Sequence[LocatedReport]) -> None:
    settings = ChassisSettings(kafka_bootstrap=stack.kafka_bootstrap, mongodb_uri=stack.mongodb_uri)  # type: ignore[arg-type]  # a secret of a text
    publisher = Publisher(KafkaConnection.from_settings(settings, "benchmark"))
    await publisher.start()
    try:
        with trace.use_span(SUBMISSION):
            for begin in range(0, len(reports), 5_000):
                await publisher.send([located_message(one) for one in reports[begin : begin + 5_000]])
    finally:
        await publisher.stop()


def cpu_of(stack: Stack) -> dict[str, float]:
    assert stack.kafka is not None
    assert stack.mongo is not None
    pids = {service.instance: service.process.pid for service in stack.services}
    pids |= {"kafka": stack.kafka.process.pid, "mongod": stack.mongo.process.pid}
    times = {name: psutil.Process(pid).cpu_times() for name, pid in pids.items()}
    return {name: used.user + used.system for name, used in times.items()}


async def work_off(stack: Stack, name: str, count: int, before: dict[str, float], done_before: int) -> None:
    """Wait until the group has done all, and print what it took since its first commit was seen."""
    began, first, last = 0.0, 0, 0.0
    async with Groups(stack.kafka_bootstrap) as groups:
        while True:
            done, end = (await groups.look())[GROUP]
            now = time.monotonic()
            if not began and done > done_before:
                began, first = now, done
            if done == end:
                last = now
                break
            await asyncio.sleep(0.1)
    used = {who: after - before.get(who, 0.0) for who, after in cpu_of(stack).items()}
    rate = (done_before + count - first) / max(last - began, 0.1)
    each = ", ".join(f"{who} {seconds / count * 1e6:,.0f}" for who, seconds in used.items())
    print(f"{name}: {count:,} reports, {rate:,.0f}/s; CPU us a report: {each}; sum {sum(used.values()) / count * 1e6:,.0f}", flush=True)
    rss = {service.instance: psutil.Process(service.process.pid).memory_info().rss / 2**20 for service in stack.services}
    print(f"  resident MiB: {', '.join(f'{who} {size:,.0f}' for who, size in rss.items())}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, default=60_000)
    parser.add_argument("--cities", type=int, default=CITIES, help="a year of each; more of them are thinner and share the work out evenly")
    parser.add_argument("--mix", default="default", choices=tuple(MIXES))
    parser.add_argument("--spans", default="none", choices=tuple(TRACING))
    parser.add_argument("--instances", type=int, default=1)
    parser.add_argument("--flood", type=int, default=0)
    parser.add_argument("--profile", type=Path)
    arguments = parser.parse_args()
    reports = reports_of(arguments.mix, arguments.reports, arguments.cities)
    options = StackOptions(services=(), env=TRACING[arguments.spans])
    with tempfile.TemporaryDirectory(prefix="spikewatch-bench-") as folder, Stack(Path(folder) / "stack", options) as stack:
        asyncio.run(send(stack, reports))
        before = cpu_of(stack)
        services = [stack.add_instance("enrichment") for _ in range(arguments.instances)]
        profiler = None
        if arguments.profile is not None:
            command = ["py-spy", "record", "-d", "20", "-f", "raw", "-o", str(arguments.profile), "-p", str(services[0].process.pid)]
            profiler = subprocess.Popen(command)
        asyncio.run(work_off(stack, arguments.mix, len(reports), before, 0))
        if profiler is not None:
            profiler.wait()
        if arguments.flood:
            before = cpu_of(stack)
            asyncio.run(send(stack, list(flood_of(arguments.flood))))
            asyncio.run(work_off(stack, "flood", arguments.flood, before, len(reports)))


if __name__ == "__main__":
    main()
