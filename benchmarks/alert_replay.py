"""A million incidents replayed: the alerts service with Kafka and mongod beside it works off their contributions, from an empty database.

    python benchmarks/alert_replay.py [--incidents 1000000] [--counties 48] [--years 3] [--spans none] [--instances 1]
        [--profile FILE] [--lock FILE]

Three years of incidents with about twenty overdoses a day in each county (with more counties, years or fewer incidents: fewer), each in
a county, one of its eight ZIP codes and two hundred map cells, in the order of their times but for a day of delay. Their contributions,
as the service itself writes them, lie in the topic before it starts; the shipped rules watch counties and ZIP codes. Measured are
incidents a second between the first and the last commit, how that changes on the way, and CPU microseconds an incident of each process.

Then the service is stopped and one process of it started again: how long from its start until a contribution that came meanwhile is
evaluated, and until one is in each county. ``--profile`` needs py-spy on the PATH. ``--lock FILE`` shares the lock of a file while the
contributions are written, which takes as long again, and holds it alone while it measures: for a machine on which others work.
"""

import argparse
import asyncio
import fcntl
import multiprocessing
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import psutil
from matching_service import cpu_of
from measured_stack import TRACING, Groups
from opentelemetry.trace import SpanContext, TraceFlags

from spikewatch.chassis.kafka.connection import KafkaConnection
from spikewatch.chassis.kafka.message import Message
from spikewatch.chassis.kafka.publisher import Outgoing, Publisher
from spikewatch.chassis.settings import ChassisSettings
from spikewatch.cli.stack.stack import Stack, StackOptions
from spikewatch.contracts import topics
from spikewatch.contracts.contribution import contribution_key
from spikewatch.contracts.topics import EventType

GROUP = "alerts-evaluate"
UNTIL = datetime(2026, 6, 1, tzinfo=UTC)
ZIPS, CELLS = 8, 200  # in each county
AT_ONCE = 5_000
WRITERS = 2
MARKS = 10  # of the way
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_bits = random.Random(3).getrandbits  # of trace and span
_OUTCOMES = ("fatal", "nonfatal", "nonfatal", "unknown")
_OVERDOSE = (
    '{"area":"%s","incident_id":"%s","revision":1,"place_key":"%s","overdoses":[{"overdose_id":"%s","occurred_at":"%s","outcome":"%s",'
    '"drug_classes":["%s"],"reports":[%s]}]}'
)
_REPORT = '{"report_id":"%s","report_key":"%s","source_agency_id":"%s","source_type":"%s","submission_id":"%s","trace_id":"%s"}'


def contributions(incidents: int, counties: int, years: float, writer: int) -> Iterator[Message]:
    """Yield one writer's share of the contributions, in the order of their coming."""
    draw = random.Random(11 + writer)
    step = timedelta(days=365.25 * years) / incidents
    for number in range(writer, incidents, WRITERS):
        at = UNTIL - (incidents - number) * step - timedelta(seconds=draw.randrange(86_400))
        yield from contributions_of(draw, at, draw.randrange(counties))


def contributions_of(draw: random.Random, at: datetime, county: int) -> Iterator[Message]:
    """Yield what one incident adds to each of its areas."""
    place = f"{1_000 + county:05d}"
    incident, overdose, *reports = (_uuid(draw) for _ in range(8))
    told = ",".join(
        _REPORT % (reports[one], reports[one + 2], f"agency-{place}-{kind}", kind, reports[one + 4], draw.randbytes(16).hex())
        for one, kind in enumerate(("ems", "police")[: draw.randrange(1, 3)])
    )
    spoken = (overdose, f"{at:%Y-%m-%dT%H:%M:%SZ}", draw.choice(_OUTCOMES), draw.choice(("opioid", "unknown")), told)
    for area in (f"county:{place}", f"h3:87{draw.randrange(CELLS):04x}{county:06x}fff", f"zip:{place[1:]}{draw.randrange(ZIPS)}"):
        key = contribution_key(area, incident)
        yield Message.of(
            topics.CONTRIBUTIONS,
            (_OVERDOSE % (area, incident, place, *spoken)).encode(),
            key=key,
            event_type=EventType.CONTRIBUTION_CHANGED,
            subject=key,
            version=1,
            source="/services/alerts",
            time=at,
            partition_by=area,
        )


def _uuid(draw: random.Random) -> str:
    bits = f"{draw.getrandbits(128):032x}"
    return f"{bits[:8]}-{bits[8:12]}-5{bits[13:16]}-a{bits[17:20]}-{bits[20:]}"


def write(servers: tuple[str, str], incidents: int, counties: int, years: float, writer: int) -> None:
    """Write one writer's share; the whole of its process."""
    asyncio.run(_write(servers, contributions(incidents, counties, years, writer)))


async def _write(servers: tuple[str, str], messages: Iterator[Message]) -> None:
    kafka, mongodb = servers
    settings = ChassisSettings(kafka_bootstrap=kafka, mongodb_uri=mongodb)  # type: ignore[arg-type]  # a secret of a text
    publisher = Publisher(KafkaConnection.from_settings(settings, "benchmark"))
    await publisher.start()
    try:
        waiting: list[Outgoing] = []
        for message in messages:
            waiting.append(Outgoing(message, (SpanContext(_bits(128), _bits(64), is_remote=False, trace_flags=_SAMPLED),)))
            if len(waiting) == AT_ONCE:
                await publisher.send_caused(waiting)
                waiting = []
        await publisher.send_caused(waiting)
    finally:
        await publisher.stop()


async def work_off(stack: Stack, incidents: int, started: float, before: dict[str, float]) -> None:
    """Wait until everything is evaluated, and print how it went."""
    began, first, marks = 0.0, 0, [(0.0, 0)]
    async with Groups(stack.kafka_bootstrap) as groups:
        while True:
            done, end = (await groups.look())[GROUP]
            now = time.monotonic()
            if not began and done:
                began, first, marks = now, done, [(now, done)]
            if began and (done - marks[-1][1]) >= end / MARKS:
                marks.append((now, done))
                print(f"  {done / end:4.0%} after {now - started:.0f} s", flush=True)
            if done == end:
                break
            await asyncio.sleep(0.1)
    parts = incidents / end
    rate = (end - first) * parts / max(now - began, 0.1)
    used = {who: after - before.get(who, 0.0) for who, after in cpu_of(stack).items()}
    each = ", ".join(f"{who} {seconds / incidents * 1e6:,.0f}" for who, seconds in used.items())
    print(f"{incidents:,} incidents, {end:,} contributions: {now - started:.0f} s from the start of the process, {rate:,.0f} incidents/s")
    print(f"  CPU us an incident: {each}; sum {sum(used.values()) / incidents * 1e6:,.0f}")
    paces = [(done - was) * parts / (at - since) for (since, was), (at, done) in pairwise(marks)]
    print(f"  incidents/s by parts of the way: {', '.join(f'{pace:,.0f}' for pace in paces)}")
    rss = {one.instance: psutil.Process(one.process.pid).memory_info().rss / 2**20 for one in stack.services}
    print(f"  resident MiB: {', '.join(f'{who} {size:,.0f}' for who, size in rss.items())}", flush=True)


async def start_again(stack: Stack, counties: int) -> None:
    """Restart the service, and print when it has evaluated what came meanwhile."""
    draw, servers = random.Random(5), (stack.kafka_bootstrap, stack.mongodb_uri)
    while stack.services:
        await asyncio.to_thread(stack.services.pop().stop)
    await _write(servers, contributions_of(draw, UNTIL, 0))
    started = time.monotonic()
    stack.add_instance("alerts")
    ready = time.monotonic() - started
    async with Groups(stack.kafka_bootstrap) as groups:
        await groups.wait_idle(120)
        one = time.monotonic() - started
        await _write(servers, (message for county in range(counties) for message in contributions_of(draw, UNTIL, county)))
        written = time.monotonic()
        await groups.wait_idle(120)
    print(f"started again: ready after {ready:.1f} s, the first contribution evaluated after {one:.1f} s;", end=" ")
    print(f"one in each of {counties} counties within {time.monotonic() - written:.1f} s more", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--incidents", type=int, default=1_000_000)
    parser.add_argument("--counties", type=int, default=48)
    parser.add_argument("--years", type=float, default=3)
    parser.add_argument("--spans", default="none", choices=tuple(TRACING))
    parser.add_argument("--clock", default="event", choices=("event", "wall"))
    parser.add_argument("--instances", type=int, default=1)
    parser.add_argument("--profile", type=Path)
    parser.add_argument("--lock", type=Path)
    arguments = parser.parse_args()
    options = StackOptions(services=(), env={**TRACING[arguments.spans], "SPIKEWATCH_ALERTS_CLOCK": arguments.clock})
    lock = None if arguments.lock is None else arguments.lock.open("a")
    if lock is not None:
        fcntl.flock(lock, fcntl.LOCK_SH)
    with tempfile.TemporaryDirectory(prefix="spikewatch-bench-") as folder, Stack(Path(folder) / "stack", options) as stack:
        began = time.monotonic()
        spawn = multiprocessing.get_context("spawn")
        servers, asked = (stack.kafka_bootstrap, stack.mongodb_uri), (arguments.incidents, arguments.counties, arguments.years)
        shares = [(servers, *asked, writer) for writer in range(WRITERS)]
        writers = [spawn.Process(target=write, args=share) for share in shares]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
            assert writer.exitcode == 0, "a writer failed"
        print(f"written in {time.monotonic() - began:.0f} s", flush=True)
        if lock is not None:
            fcntl.flock(lock, fcntl.LOCK_EX)
            print("measuring alone", flush=True)
        before, started = cpu_of(stack), time.monotonic()
        services = [stack.add_instance("alerts") for _ in range(arguments.instances)]
        profiler = None
        if arguments.profile is not None:
            command = ["py-spy", "record", "-d", "20", "-f", "raw", "-o", str(arguments.profile), "-p", str(services[0].process.pid)]
            profiler = subprocess.Popen(command)
        asyncio.run(work_off(stack, arguments.incidents, started, before))
        if profiler is not None:
            profiler.wait()
        asyncio.run(start_again(stack, arguments.counties))


if __name__ == "__main__":
    main()
