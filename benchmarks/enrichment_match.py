"""Reports per second through locate and match, on one process with MongoDB, as the history grows.

    python benchmarks/enrichment_match.py [history] [measured] [mongodb-uri] [mongod-pid]

Reports: a fictional county, three agencies an overdose, 30 % near a busy corner, spread evenly over a year. CPU-seconds are
those of all threads of this process and, where its process id is given, of the server.
"""

import asyncio
import cProfile
import os
import pstats
import random
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from shapely.geometry import box

from spikewatch.chassis.kafka.message import Event, Record
from spikewatch.chassis.mongo import Mongo
from spikewatch.contracts import identifiers
from spikewatch.contracts.cloudevents import Attributes
from spikewatch.contracts.report import LocatedReport, Location, Report, Victims
from spikewatch.contracts.vocabulary import PlacePrecision, Sex, SourceType, TimeBasis, TimePrecision
from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.adapters.mongo_match_store import MongoMatchStore
from spikewatch.enrichment.domain.geography import Atlas, Place
from spikewatch.enrichment.domain.locate import Geodata, locate
from spikewatch.enrichment.handlers import match_handler
from spikewatch.enrichment.service import MatchReports

BATCH = 500
START = datetime(2026, 1, 1, tzinfo=UTC)
GEODATA = Geodata(Atlas([Place("county:99001", "Cedar", box(-80, 40, -79.5, 40.5))]))
AGENCIES = (("cedar-911", SourceType.CAD), ("cedar-ems", SourceType.EMS), ("cedar-police", SourceType.POLICE))
CORNERS = [(40.1 + 0.03 * index, -79.9 + 0.03 * index) for index in range(10)]


def reports(overdoses: int, start: datetime, span: timedelta, seed: int) -> list[Report]:
    choose = random.Random(seed)
    made: list[Report] = []
    for number in range(overdoses):
        at = start + span * (number / overdoses)
        lat, lon = choose.choice(CORNERS) if choose.random() < 0.3 else (choose.uniform(40.02, 40.48), choose.uniform(-79.98, -79.52))
        age, sex = choose.randrange(18, 80), choose.choice([Sex.FEMALE, Sex.MALE])
        for agency, source in AGENCIES:
            record = f"{seed}-{number}"
            made.append(
                Report(
                    report_id=identifiers.report_id(agency, record, 1),
                    report_key=identifiers.report_key(agency, record),
                    source_agency_id=agency,
                    source_record_id=record,
                    revision=1,
                    source_type=source,
                    occurred_at=at + timedelta(minutes=choose.uniform(0, 15)),
                    occurred_at_basis=TimeBasis.DISPATCH,
                    occurred_at_precision=TimePrecision.SECOND,
                    received_at=at + timedelta(hours=1),
                    location=Location(lat=lat + choose.gauss(0, 3e-4), lon=lon + choose.gauss(0, 3e-4), precision=PlacePrecision.POINT),
                    victims=Victims(age=age, sex=sex),
                    cad_number=f"26-{number:07}" if source is not SourceType.POLICE else None,
                    submission_id=UUID(int=number),
                    submission_format="json",
                    trace_id=f"{number + 1:032x}",
                )
            )
    made.sort(key=lambda one: one.occurred_at)
    return made


def event(located: LocatedReport) -> Event[LocatedReport]:
    record = Record("overdose.reports.located.v1", 0, 0, located.place_key.encode(), b"", (), located.report.received_at)
    return Event(record, Attributes(str(located.report.report_id), "/services/enrichment", "x"), located)


def cpu_seconds(server: str | None) -> float:
    used = time.process_time()
    if server:
        fields = Path(f"/proc/{server}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        used += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return used


async def main(history: int, measured: int, uri: str, server: str | None) -> None:
    mongo = Mongo(uri, f"enrichment_bench_{uuid4().hex[:8]}")
    store = MongoMatchStore(mongo, timedelta(days=40_000))
    await store.prepare()
    handle = match_handler(MatchReports(store, load_weights()))
    try:
        for name, wanted, start, seed in (("history", history, START, 1), ("measured", measured, START + timedelta(days=180), 2)):
            made = reports(wanted // 3, start, timedelta(days=365 if name == "history" else 30), seed)
            began = time.perf_counter()
            located = [one for first in range(0, len(made), BATCH) for one in locate(made[first : first + BATCH], GEODATA)]
            print(f"{name}: locate {len(made) / (time.perf_counter() - began):,.0f} reports/s")
            profile = cProfile.Profile() if name == "measured" and os.environ.get("PROFILE") else None
            began, cpu, messages = time.perf_counter(), cpu_seconds(server), 0
            if profile:
                profile.enable()
            for first in range(0, len(located), BATCH):
                outcomes = await handle([event(one) for one in located[first : first + BATCH]])
                messages += sum(len(outcome.messages) for outcome in outcomes)
            if profile:
                profile.disable()
                pstats.Stats(profile).sort_stats("tottime").print_stats(25)
            took, used = time.perf_counter() - began, cpu_seconds(server) - cpu
            whose = "this process and the server" if server else "this process"
            print(f"{name}: match {len(located):,} reports in {took:.1f} s = {len(located) / took:,.0f}/s")
            print(f"{name}: {len(located) / used:,.0f} per CPU-second of {whose}, {messages:,} messages")
    finally:
        await mongo.drop()
        mongo.close()


if __name__ == "__main__":
    arguments = [*sys.argv[1:], *("99000", "15000", "mongodb://127.0.0.1:27117/?replicaSet=rs0")[len(sys.argv) - 1 :]]
    asyncio.run(main(int(arguments[0]), int(arguments[1]), arguments[2], arguments[3] if len(arguments) > 3 else None))
