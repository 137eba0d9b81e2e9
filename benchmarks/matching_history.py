"""What a report costs the match stage when ten thousand to ten million reports lie behind it: the use case on a real mongod, no Kafka.

    python benchmarks/matching_history.py [--behind 10000,100000,1000000,10000000] [--reports 40000] [--rounds 6]

The first reports are matched for real. The history is made of what the store keeps of them then, documents and index entries alike, put
into other regions of the same years and into years before, under other keys: 25 regions, as many years as it takes; its indexes are
built when it is there, which takes a fraction of the time, and then mongod is started anew. After each step the new reports of some
years come, one round each, in batches of 5,000. CPU microseconds a report of the use case and of mongod are printed: of the first
round, which reads the indexes into mongod's empty cache, and of all that follow, checkpoints among them; with what mongod holds.
CPU time is taken, so other work on the machine matters little; the caches that it takes away do.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
from bson.codec_options import CodecOptions
from matching_service import reports_of
from matching_state import YEAR, year_of
from pymongo import MongoClient, WriteConcern

from spikewatch.chassis.collector import spare_collector
from spikewatch.chassis.mongo import Mongo
from spikewatch.cli.stack.mongo_server import MongoServer
from spikewatch.contracts.report import LocatedReport
from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.adapters.mongo_match_store import MongoMatchStore
from spikewatch.enrichment.service import MatchReports

BATCH = 5_000
REGIONS = 25
MOST_WAITING = 6
RETENTION = timedelta(days=36_500)
Document = dict[str, Any]
KEYS = CodecOptions[Document](uuid_representation=4, tz_aware=True)


def copies(documents: Sequence[Document], number: int) -> Iterator[Document]:
    """Yield kept reports or incidents as those of another region and year: other keys, the same size."""
    years, region = divmod(number, REGIONS)
    turn, low = random.Random(number).getrandbits(128), random.Random(region).getrandbits(32)
    ago = -years * YEAR
    hours = int(ago / timedelta(hours=1)) << 32

    def other(key: UUID) -> UUID:
        return UUID(int=key.int ^ turn)

    for one in documents:
        made = one | {"_id": other(one["_id"]), "expires_at": one["expires_at"] + ago}
        if "blocks" in one:
            made["blocks"] = [(block + hours) ^ low for block in one["blocks"]]
        else:
            made |= {name: [other(key) for key in one[name]] for name in ("members", "keys", "aliases", "causes")}
            made |= {"founder": other(one["founder"]), "occurred_at": one["occurred_at"] + ago}
        yield made


def fill(uri: str, kept: dict[str, list[Document]], have: int, numbers: Iterator[int], wanted: int) -> int:
    """Add copies without their indexes until so many reports are kept, and return how many they are."""
    with MongoClient[Document](uri) as client, ThreadPoolExecutor(2) as pool:
        database = client.get_database("enrichment", codec_options=KEYS, write_concern=WriteConcern(1))
        for name in kept:
            database[name].drop_indexes()
        parts: set[Future[object]] = set()
        while have < wanted:
            number, share = next(numbers), min(1.0, (wanted - have) / len(kept["reports"]))
            for name, documents in kept.items():
                made = list(copies(documents[: int(len(documents) * share) or 1], number))
                parts.add(pool.submit(database[name].insert_many, made, ordered=False))
            have += int(len(kept["reports"]) * share) or 1
            if len(parts) > MOST_WAITING:
                parts = wait(parts, return_when=FIRST_COMPLETED).not_done
        wait(parts)
    return have


def cpu(pid: int | None) -> float:
    used = psutil.Process(pid).cpu_times()
    return float(used.user + used.system)


async def measure(use_case: MatchReports, reports: list[LocatedReport], mongod: int | None) -> tuple[float, float]:
    ours, theirs = time.process_time(), cpu(mongod)
    for begin in range(0, len(reports), BATCH):
        await use_case.apply(reports[begin : begin + BATCH])
    return time.process_time() - ours, cpu(mongod) - theirs


async def begin(uri: str, mongod: int | None, first: list[bytes], count: int) -> dict[str, list[Document]]:
    """Match the first reports; return what the store keeps of them."""
    store = MongoMatchStore(Mongo(uri, "enrichment"), RETENTION)
    await store.prepare()
    await measure(MatchReports(store, load_weights()), list(year_of(first, 0))[:count], mongod)
    with MongoClient[Document](uri) as client:
        database = client.get_database("enrichment", codec_options=KEYS)
        return {name: list(database[name].find()) for name in ("reports", "incidents")}


async def step(uri: str, mongod: int | None, rounds: Iterable[list[LocatedReport]]) -> list[tuple[float, float]]:
    """Return of each round what a report took: CPU microseconds of the use case and of mongod."""
    store = MongoMatchStore(Mongo(uri, "enrichment"), RETENTION)
    await store.prepare()
    use_case = MatchReports(store, load_weights())
    taken = []
    for reports in rounds:
        ours, theirs = await measure(use_case, reports, mongod)
        taken.append((1e6 * ours / len(reports), 1e6 * theirs / len(reports)))
    return taken


def run(server: MongoServer, first: list[bytes], behind: list[int], rounds: int) -> None:
    kept = asyncio.run(begin(server.uri, server.process.pid, first, behind[0]))
    spare_collector(collects_between=True)
    have, numbers = len(kept["reports"]), iter(range(1, 10**6))
    years = iter(range(1, 10**6))
    print("| reports behind | use case, us a report: first, then | mongod, us: first, then | mongod holds, GB | on disk, GB |")
    print("|---|---|---|---|---|")
    for wanted in behind:
        have = fill(server.uri, kept, have, numbers, wanted)
        asyncio.run(MongoMatchStore(Mongo(server.uri, "enrichment"), RETENTION).prepare())
        with MongoClient[Document](server.uri) as client:
            client.admin.command("fsync")  # which takes longer than a stopping server is given
        server.restart()  # else what is measured next pays for writing the history, and has it in its cache
        taken = asyncio.run(step(server.uri, server.process.pid, (list(year_of(first, next(years))) for _ in range(rounds))))
        ours, theirs = ([one[place] for one in taken] for place in (0, 1))
        with MongoClient[Document](server.uri) as client:
            disk = client["enrichment"].command("dbStats")["totalSize"] / 1e9
        resident = psutil.Process(server.process.pid).memory_info().rss / 1e9
        told = (
            f"{each[0]:,.0f}, {sum(each[1:]) / len(each[1:]):,.0f} ({min(each[1:]):,.0f} to {max(each[1:]):,.0f})"
            for each in (ours, theirs)
        )
        print(f"| {have:,} | {' | '.join(told)} | {resident:.2f} | {disk:.2f} |", flush=True)
        have += rounds * len(first)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--behind", default="10000,100000,1000000,10000000")
    parser.add_argument("--reports", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=6, help="two at least")
    given = parser.parse_args()
    first = [one.to_json() for one in reports_of("default", given.reports)]
    with tempfile.TemporaryDirectory(prefix="spikewatch-bench-") as folder:
        server = MongoServer(Path(folder))
        server.start()
        try:
            run(server, first, [int(part) for part in given.behind.split(",")], given.rounds)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
