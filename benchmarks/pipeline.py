"""The whole pipeline under load: reports a second through all stages, time from 202 to the alert, memory over many reports.

    python benchmarks/pipeline.py                             # throughput with and without tracing, then latency
    python benchmarks/pipeline.py --throughput --reports 100000 --tracing all tenth none
    python benchmarks/pipeline.py --latency --rate 100 --seconds 60
    python benchmarks/pipeline.py --memory --reports 1000000

Each measurement has a local stack of its own: one Kafka, one mongod, one process of each service, all on this machine. The
sender is a process of its own. Reports tell of about four overdoses a day in each of 48 fictional counties; one overdose in
two is told by two agencies.
"""

import argparse
import asyncio
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from measured_stack import TRACING, Groups, MeasuredStack, Usage, measured_stack

from spikewatch.cli.county.load import LOAD_AGENCIES, LoadProfile, load_lines
from spikewatch.contracts import topics
from spikewatch.contracts.alert import Alert

_BODY_RECORDS: Final = 500
_CONNECTIONS: Final = 4
_DAYS_PER_REPORT: Final = 365 / 100_000  # event time advances with the reports, so that any number has the same density
_STAGES: Final = ("ingest-normalise", "enrichment-locate", "enrichment-match", "alerts-fan-out", "alerts-evaluate")
_COUNTIES: Final = 400  # of the latency run: areas that each see a report every few seconds
_RULES: Final = """
rules:
  - {id: every-report, version: 1, description: Any suspected overdose within an hour., kind: fixed_count, area_kinds: [county],
     window_hours: 1, quiet_hours: 1, parameters: {threshold: 1, comparison: at_least}}
"""


def bodies(reports: int) -> Iterator[tuple[str, bytes]]:
    profile = LoadProfile(seed=7, reports=reports, until=datetime.now(UTC), span=timedelta(days=reports * _DAYS_PER_REPORT))
    for agency, lines in load_lines(profile):
        for first in range(0, len(lines), _BODY_RECORDS):
            yield agency, "\n".join(lines[first : first + _BODY_RECORDS]).encode()


def send_all(url: str, keys: dict[str, str], reports: int) -> None:
    """Send everything as fast as the gateway answers; the whole of the sender's process."""
    asyncio.run(_send_all(url, keys, reports))


async def _send_all(url: str, keys: dict[str, str], reports: int) -> None:
    async with httpx.AsyncClient(timeout=60) as client:
        waiting = bodies(reports)

        async def work() -> None:
            for agency, body in waiting:
                answer = await client.post(
                    url, content=body, headers={"Authorization": f"Bearer {keys[agency]}", "Content-Type": "application/x-ndjson"}
                )
                assert answer.status_code == 202, answer.text

        await asyncio.gather(*(work() for _ in range(_CONNECTIONS)))


async def throughput(measured: MeasuredStack, reports: int, *, memory_every: int | None = None) -> tuple[float, float]:
    """Send reports, wait until every stage has done all, print; returns reports a second and CPU seconds of the stack."""
    before = measured.usage()
    started = time.monotonic()
    busy: dict[str, tuple[float, float, int]] = {}  # from, until, records done: by stage, in seconds since the start
    sender = multiprocessing.get_context("spawn").Process(target=send_all, args=(measured.gateway_url, measured.keys, reports))
    sender.start()
    marks = iter(range(memory_every or reports, reports + 1, memory_every or reports))
    mark = next(marks)
    async with Groups(measured.stack.kafka_bootstrap) as groups:
        first = await groups.look()
        sent_after, idle = 0.0, 0
        while idle < 2:
            await asyncio.sleep(0.5)
            look, now = await groups.look(), time.monotonic() - started
            for stage in _STAGES:
                done, seen = look[stage][0] - first[stage][0], busy.get(stage, (now, now, 0))
                if done > seen[2]:
                    busy[stage] = (seen[0], now, done)
            if not sender.is_alive() and not sent_after:
                assert sender.exitcode == 0, "the sender failed"
                sent_after = now
            matched = look["enrichment-match"][0]
            while memory_every and mark and matched >= mark:
                print(f"  {mark:>9,} matched after {now:6.0f} s, RSS MiB: {_memory(measured)}", flush=True)
                mark = next(marks, 0)
            idle = idle + 1 if sent_after and all(done == end for done, end in look.values()) else 0
    taken = max(until for _, until, _ in busy.values())
    used = {name: usage.since(before[name]) for name, usage in measured.usage().items()}
    total = sum(usage.cpu_seconds for usage in used.values())
    print(f"  {reports:,} reports through all stages in {taken:.1f} s = {reports / taken:,.0f}/s; all accepted after {sent_after:.1f} s")
    for stage, (since, until, records) in busy.items():
        pace = records / max(until - since, 0.5)
        print(f"    {stage:18} {records:>9,} records, busy from {since:6.1f} to {until:6.1f} s = {pace:7,.0f}/s")
    used["sum"] = Usage(total, sum(usage.rss_mb for usage in used.values()))
    for name, usage in used.items():
        each = usage.cpu_seconds / reports * 1e6
        print(f"    {name:18} {usage.cpu_seconds:8.1f} CPU s ({each:5.0f} us a report)  RSS {usage.rss_mb:6.0f} MiB")
    print(f"    {total / taken:.2f} of {os.cpu_count()} cores used; load average of the machine {os.getloadavg()[0]:.1f}")
    return reports / taken, total


def _memory(measured: MeasuredStack) -> str:
    return ", ".join(f"{name} {usage.rss_mb:.0f}" for name, usage in measured.usage().items())


def compare_tracing(reports: int, tracings: Sequence[str]) -> None:
    results = {}
    for tracing in tracings:
        print(f"throughput, spans exported: {tracing}")
        with measured_stack(TRACING[tracing]) as measured:
            results[tracing] = asyncio.run(throughput(measured, reports))
    base = tracings[-1]
    for tracing, (rate, cpu) in results.items():
        rate_of, cpu_of = rate / results[base][0], cpu / results[base][1]
        print(f"spans {tracing:5}: {rate:7,.0f} reports/s; of {base}: {rate_of:.2f} the reports/s, {cpu_of:.2f} the CPU")


def _one_report(number: int) -> str:
    county, at = number * 7_919 % _COUNTIES, datetime.now(UTC)
    lat, lon = 32 + county // 20 * 0.3 + number * 104_729 % 99_991 / 99_991 * 0.3, -48 + county % 20 * 0.3
    return (
        f'{{"record_id":"S-{number}","occurred_at":"{at:%Y-%m-%dT%H:%M:%SZ}","lat":{lat:.5f},"lon":{lon:.5f},'
        f'"county_fips":"{99_001 + county}","outcome":"nonfatal","reversal_given":"no","reversal_doses":0,"sex":"female"}}'
    )


def send_steadily(url: str, keys: dict[str, str], rate: int, seconds: int, answered: Any) -> None:
    """Send one report a POST at a steady rate whatever the answers take; the whole of the sender's process."""
    answered.update(asyncio.run(_send_steadily(url, keys, rate, seconds)))


async def _send_steadily(url: str, keys: dict[str, str], rate: int, seconds: int) -> dict[str, float]:
    answered: dict[str, float] = {}
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
    async with httpx.AsyncClient(timeout=30, limits=limits) as client, asyncio.TaskGroup() as running:

        async def post(number: int) -> None:
            agency = LOAD_AGENCIES[number % len(LOAD_AGENCIES)]
            answer = await client.post(url, content=_one_report(number), headers={"Authorization": f"Bearer {keys[agency]}"} | _JSON)
            assert answer.status_code == 202, answer.text
            answered[answer.json()["submission_id"]] = time.time()

        started = time.monotonic()
        for number in range(rate * seconds):
            await asyncio.sleep(max(0.0, started + number / rate - time.monotonic()))
            running.create_task(post(number))
    return answered


_JSON: Final = {"Content-Type": "application/json"}


async def _see_alerts(bootstrap: str, seen: dict[str, float], stopping: asyncio.Event) -> None:
    """Note when each submission is first named by an alert on the topic; parsed later, so that the reader never lags."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None, fetch_max_wait_ms=20)
    consumer.assign([TopicPartition(topics.ALERTS.name, number) for number in range(topics.ALERTS.partitions)])
    await consumer.start()
    taken: list[tuple[float, bytes]] = []
    try:
        await consumer.seek_to_beginning()
        while not stopping.is_set():
            for records in (await consumer.getmany(timeout_ms=50)).values():
                now = time.time()
                taken += [(now, record.value) for record in records if record.value is not None]
    finally:
        await consumer.stop()
    for at, value in taken:
        for contributor in Alert.model_validate_json(value).contributors:
            for report in contributor.reports:
                seen.setdefault(str(report.submission_id), at)
    print(f"  {len(taken):,} alert versions on the topic")


async def latency(measured: MeasuredStack, rate: int, seconds: int) -> None:
    with multiprocessing.get_context("spawn").Manager() as manager:
        answered, seen, stopping = manager.dict(), dict[str, float](), asyncio.Event()
        reader = asyncio.create_task(_see_alerts(measured.stack.kafka_bootstrap, seen, stopping))
        before, started = measured.usage(), time.monotonic()
        args = (measured.gateway_url, measured.keys, rate, seconds, answered)
        sender = multiprocessing.get_context("spawn").Process(target=send_steadily, args=args)
        sender.start()
        await asyncio.to_thread(sender.join)
        assert sender.exitcode == 0, "the sender failed"
        used = sum(usage.since(before[name]).cpu_seconds for name, usage in measured.usage().items()) / (time.monotonic() - started)
        async with Groups(measured.stack.kafka_bootstrap) as groups:
            await groups.wait_idle(60)
        stopping.set()
        await reader
        times = dict(answered)
    first = sorted(times, key=times.__getitem__)[rate * 5 :]  # the first five seconds warm up caches and connections
    waits = sorted((seen[one] - times[one]) * 1000 for one in first if one in seen)
    cuts = statistics.quantiles(waits, n=1000)
    print(f"  {len(times):,} reports at {rate}/s, {len(waits):,} of {len(first):,} named by an alert, {used:.2f} cores used by the stack")
    print(f"  202 to alert on the topic: p50 {cuts[499]:.0f} ms, p90 {cuts[899]:.0f} ms, p99 {cuts[989]:.0f} ms, most {waits[-1]:.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--throughput", action="store_true")
    parser.add_argument("--latency", action="store_true")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--reports", type=int, default=100_000)
    parser.add_argument("--tracing", nargs="+", choices=tuple(TRACING), default=["all", "tenth", "none"])
    parser.add_argument("--rate", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=60)
    arguments = parser.parse_args()
    everything = not (arguments.throughput or arguments.latency or arguments.memory)
    if arguments.throughput or everything:
        compare_tracing(arguments.reports, arguments.tracing)
    if arguments.latency or everything:
        with tempfile.TemporaryDirectory() as folder:
            rules = Path(folder) / "rules.yaml"
            rules.write_text(_RULES, encoding="utf-8")
            print(f"latency, spans exported: {arguments.tracing[0]}")
            with measured_stack({**TRACING[arguments.tracing[0]], "SPIKEWATCH_ALERTS_RULES": str(rules)}) as measured:
                asyncio.run(latency(measured, arguments.rate, arguments.seconds))
    if arguments.memory:
        print(f"memory over {arguments.reports:,} reports, spans exported: {arguments.tracing[0]}")
        with measured_stack(TRACING[arguments.tracing[0]]) as measured:
            print(f"  at the start, RSS MiB: {_memory(measured)}")
            asyncio.run(throughput(measured, arguments.reports, memory_every=min(50_000, arguments.reports)))


if __name__ == "__main__":
    main()
