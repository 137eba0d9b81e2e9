"""What a growing state of the match stage costs: year after year of eight cities through the service, then a restart after SIGKILL.

    python benchmarks/matching_state.py [--years 10] [--reports 100000] [--instances 2] [--mongodb-cache GB]

Each year brings so many reports; of each the CPU microseconds a report are printed, the resident memory of the services and of mongod,
and what mongod holds. A year is sent while the instances run, so its rate is that of the sender. Then all instances are killed, one is
started, and the time is taken until it has worked off one more report.
"""

import argparse
import asyncio
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psutil
from matching_draws import MIXES
from matching_service import GROUP, cpu_of, reports_of, send
from measured_stack import TRACING, Groups
from pymongo import MongoClient

from spikewatch.cli.stack.stack import Stack, StackOptions
from spikewatch.contracts import identifiers
from spikewatch.contracts.report import LocatedReport

YEAR = timedelta(days=364)  # whole weeks


def year_of(first: list[bytes], year: int) -> Iterator[LocatedReport]:
    """Yield the reports of the first year as those of a later one: other records of the same agencies."""
    for body in first:
        located = LocatedReport.model_validate_json(body)
        report = located.report
        record = f"{year}-{report.source_record_id}"
        moved = report.changed(
            report_id=identifiers.report_id(report.source_agency_id, record, report.revision),
            report_key=identifiers.report_key(report.source_agency_id, record),
            source_record_id=record,
            occurred_at=report.occurred_at + year * YEAR,
            received_at=report.received_at + year * YEAR,
            cad_number=report.cad_number and f"{year}{report.cad_number}",
        )
        yield located.changed(report=moved)


async def worked_off(stack: Stack) -> None:
    async with Groups(stack.kafka_bootstrap) as groups:
        while True:
            done, end = (await groups.look())[GROUP]
            if done == end > 0:
                return
            await asyncio.sleep(0.1)


def resident(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss) / 2**20


def told(stack: Stack) -> str:
    assert stack.mongo is not None
    client: MongoClient[dict[str, object]] = MongoClient(stack.mongodb_uri)
    sizes = []
    for name in client.list_database_names():
        if "enrichment" in name:
            counted = client[name].command("dbStats", scale=2**20)
            sizes.append(
                f"documents {counted['dataSize']:,.0f} (on disk {counted['storageSize']:,.0f}), indexes {counted['indexSize']:,.0f}"
            )
    client.close()
    services = ", ".join(f"{service.instance} {resident(service.process.pid):,.0f}" for service in stack.services)
    return f"MiB: {services}, mongod {resident(stack.mongo.process.pid):,.0f}; it holds {'; '.join(sizes)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--years", type=int, default=10)
    parser.add_argument("--reports", type=int, default=100_000)
    parser.add_argument("--instances", type=int, default=2)
    parser.add_argument("--mongodb-cache", type=float, help="GB that mongod may hold in memory of what it stores")
    given = parser.parse_args()
    assert set(MIXES) >= {"default"}
    first = [one.to_json() for one in reports_of("default", given.reports)]
    kept = {**TRACING["none"], "SPIKEWATCH_ENRICHMENT_RETENTION": "P36500D"}
    options = StackOptions(services=(), env=kept, mongodb_cache_gb=given.mongodb_cache)
    with tempfile.TemporaryDirectory(prefix="spikewatch-bench-") as folder, Stack(Path(folder) / "stack", options) as stack:
        for _ in range(given.instances):
            stack.add_instance("enrichment")
        for year in range(given.years):
            before = cpu_of(stack)
            began = time.monotonic()
            part: list[LocatedReport] = []
            for one in year_of(first, year):
                part.append(one)
                if len(part) == 20_000:
                    asyncio.run(send(stack, part))
                    part = []
            asyncio.run(send(stack, part))
            asyncio.run(worked_off(stack))
            seconds = time.monotonic() - began
            used = {who: 1e6 * (now - before[who]) / len(first) for who, now in cpu_of(stack).items()}
            each = ", ".join(f"{who} {one:,.0f}" for who, one in used.items())
            print(f"year {year + 1}: {(year + 1) * len(first):,} reports in all, {seconds:,.0f} s")
            print(f"  CPU us a report: {each}; sum {sum(used.values()):,.0f}")
            print(f"  {told(stack)}", flush=True)
        for service in list(stack.services):
            os.kill(service.process.pid, signal.SIGKILL)
        stack.services.clear()
        asyncio.run(send(stack, list(year_of(first[-1:], given.years))))
        began = time.monotonic()
        stack.add_instance("enrichment")
        ready = time.monotonic() - began
        asyncio.run(worked_off(stack))
        print(
            f"after SIGKILL of all: ready {ready:.1f} s after its start, the next report worked off after {time.monotonic() - began:.1f} s"
        )


if __name__ == "__main__":
    main()
