"""Measures the HL7 feed against hl7apy and python-hl7 only parsing the same bytes, in one run.

    pip install hl7apy hl7
    python benchmarks/formats_hl7.py

Prints messages a second of one core, by CPU time: the whole way (cut, read, classify, settle, write as JSON), its first two
steps, and each library's parse alone. A library that is not installed is named and left out. The garbage collector is set as the
services set it when they start.
"""

import argparse
import importlib.util
import os
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from spikewatch.chassis.collector import spare_collector
from spikewatch.contracts.vocabulary import SourceType
from spikewatch.ingest.domain.classification import interpret
from spikewatch.ingest.domain.feeds.feed import Reading, Source
from spikewatch.ingest.domain.feeds.hl7_adt import FEED, MEDIA_TYPE
from spikewatch.ingest.domain.revision import History, settle
from spikewatch.ingest.terminology import classifier

ROOT = Path(__file__).resolve().parent.parent
NOTE = "Patient brought by EMS, found in a parked car. Respirations 6, pupils pinpoint. Naloxone 2 mg IN by bystander with response. "


def corpus(count: int, every: int) -> list[str]:
    """Return messages of as many visits, of the size of the official sample and with a triage note; every so many-th an overdose.

    Most visits of an emergency department are none and become no report. Where ``every`` is 1 all messages become reports.
    """
    path = ROOT / "examples/feeds/hl7_adt/generate.py"
    spec = importlib.util.spec_from_file_location("hl7_example", path)
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    found = []
    for number in range(count):
        is_overdose = number % every == 0
        diagnoses = (
            (example.HEROIN, "R40.20^Coma", "J96.00^Respiratory failure")
            if is_overdose
            else ("R07.9^Chest pain", "I10^Hypertension", "E11.9^Diabetes")
        )
        complaint = "heroin overdose, unresponsive" if is_overdose else f"chest pain since {number % 24} hours, short of breath"
        text = example.message(number % 500, visit=f"V{number}", complaint=complaint, diagnoses=diagnoses, end="01", trigger="A03")
        found.append(text + f"OBX|4|TX|54094-8^^LN||{NOTE if is_overdose else 'Patient walked in. ' + NOTE[:60]}||||||F\r")
    return found


def whole_way(body: bytes, count: int) -> Callable[[], int]:
    source = Source("bench", SourceType.ED, datetime(2026, 11, 1, tzinfo=UTC), UUID(int=1), "hl7_adt", time_zone="America/New_York")
    terms = classifier()

    def run() -> int:
        histories: dict[UUID, History] = {}
        written = 0
        for record in FEED.records(body, MEDIA_TYPE, limit=count):
            assert record.rejected is None
            reading = interpret(FEED, record.fields, source, terms)
            if isinstance(reading, Reading):
                key = reading.report.report_key
                settled = settle(histories.setdefault(key, History(key)), reading, record.index)
                if settled.report is not None:
                    written += len(settled.wire) > 0
        return written

    return run


def cut_and_read(body: bytes, count: int) -> Callable[[], int]:
    source = Source("bench", SourceType.ED, datetime(2026, 11, 1, tzinfo=UTC), UUID(int=1), "hl7_adt", time_zone="America/New_York")
    return lambda: sum(1 for record in FEED.records(body, MEDIA_TYPE, limit=count) if FEED.read(record.fields, source))


def hl7apy_parse(texts: list[str]) -> Callable[[], int]:
    from hl7apy.consts import VALIDATION_LEVEL  # type: ignore[import-not-found]  # noqa: PLC0415  # optional
    from hl7apy.parser import parse_message  # type: ignore[import-not-found]  # noqa: PLC0415  # optional

    return lambda: sum(1 for text in texts if parse_message(text, validation_level=VALIDATION_LEVEL.TOLERANT, find_groups=False))


def python_hl7_parse(texts: list[str]) -> Callable[[], int]:
    import hl7  # type: ignore[import-not-found]  # noqa: PLC0415  # optional

    return lambda: sum(1 for text in texts if hl7.parse(text)[0])


def rate(run: Callable[[], int], count: int, rounds: int) -> tuple[float, int]:
    """Return messages a CPU second, the best of some rounds, and what a round gave."""
    best, result = 0.0, 0
    for _ in range(rounds):
        started = time.process_time()
        result = run()
        best = max(best, count / (time.process_time() - started))
    return best, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    count = arguments.messages
    classifier()  # loaded once, and so before the collector is told what stays
    spare_collector()
    load = ", ".join(f"{figure:.1f}" for figure in os.getloadavg())
    print(f"Python {platform.python_version()}, {count:,} messages, best of {arguments.rounds}, load {load}")
    for every in (50, 1):
        texts = corpus(count, every)
        body = "".join(texts).encode()
        figure, written = rate(whole_way(body, count), count, arguments.rounds)
        print(f"{written:,} of {count:,} messages become reports; {len(body) / count:,.0f} bytes a message")
        print(f"  spikewatch, whole way     {figure:>9,.0f} messages/s/core")
        figure, _ = rate(cut_and_read(body, count), count, arguments.rounds)
        print(f"  spikewatch, cut and read  {figure:>9,.0f}")
        for name, parse in (("python-hl7", python_hl7_parse), ("hl7apy", hl7apy_parse)):
            share = texts[: max(1, count // 20)]
            try:
                run = parse(share)
            except ImportError:
                print(f"  {name}, parse alone: not installed, not run")
                continue
            figure, _ = rate(run, len(share), 2)
            print(f"  {name + ', parse alone':<25} {figure:>9,.0f}")


if __name__ == "__main__":
    main()
