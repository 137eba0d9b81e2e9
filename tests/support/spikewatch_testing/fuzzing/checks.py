"""What must hold for every input of every format."""

import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from types import FrameType

from spikewatch.contracts.report import Report
from spikewatch.ingest.domain.classification import Classifier, interpret
from spikewatch.ingest.domain.feeds import FEEDS
from spikewatch.ingest.domain.feeds.feed import Feed, NotAnOverdose
from spikewatch.ingest.domain.record import RawRecord
from spikewatch.ingest.domain.rejection import Rejected
from spikewatch.ingest.terminology import FILE_KEY, classifier
from spikewatch_testing.fuzzing.planted import leaks, report_leaks
from spikewatch_testing.fuzzing.seeds import source_of

__all__ = ["Failed", "Tally", "judge"]

_SECONDS = 60.0  # an input that takes longer hangs, on whatever machine
_SECONDS_A_MEGABYTE = 2.0
_MOST_RECORDS = 10_000


class Failed(AssertionError):  # noqa: N818  # named by what it says of the input
    """An input for which something does not hold."""


@dataclass(slots=True)
class Tally:
    """What became of the inputs of one format."""

    inputs: int = 0
    records: int = 0
    refused_whole: int = 0
    slowest: float = 0.0
    slowest_input: int = 0
    results: Counter[str] = field(default_factory=Counter)
    crashes: list[str] = field(default_factory=list)


def judge(name: str, media_type: str, body: bytes, tally: Tally, *, with_replay: bool = True) -> None:
    """Read one input as ingest does and check what must hold.

    Raises:
        Failed: something does not.
    """
    started = time.perf_counter()
    tally.inputs += 1
    try:
        with _limited(_SECONDS + _SECONDS_A_MEGABYTE * len(body) / 1e6):
            _read(FEEDS[name], media_type, body, tally, with_replay=with_replay)
    except (Failed, KeyboardInterrupt):
        raise
    except BaseException as error:  # whatever escapes is what is looked for
        raise Failed(f"{type(error).__name__}: {str(error)[:200]}") from error
    finally:
        took = time.perf_counter() - started
        if took > tally.slowest:
            tally.slowest, tally.slowest_input = took, tally.inputs - 1


def _read(feed: Feed, media_type: str, body: bytes, tally: Tally, *, with_replay: bool) -> None:
    expected = 0
    try:
        for record in feed.records(body, media_type, limit=_MOST_RECORDS):
            if record.index != expected:
                raise Failed(f"record {expected} has the index {record.index}")
            expected += 1
            outcome = _outcome(feed, record)
            tally.results[outcome] += 1
            # The first few of an input tell enough: a replay costs as much as the reading.
            if with_replay and expected <= 3:
                _replayed(feed, record, media_type, outcome)
    except Rejected as rejected:
        _complete(rejected)
        tally.refused_whole += 1
    tally.records += expected


def _outcome(feed: Feed, record: RawRecord) -> str:
    try:
        if record.rejected is not None:
            raise record.rejected
        if record.is_skipped:
            return "not_an_overdose"
        reading = interpret(feed, record.fields, source_of(feed), _classifier())
    except Rejected as rejected:
        _complete(rejected)
        return "rejected"
    report = reading.report
    if report is not None:
        written = report.to_json()
        if Report.model_validate_json(written) != report:
            raise Failed("a report is not equal to what it is written as")
        found = report_leaks(report.model_dump(mode="json"))
        if found:
            raise Failed(f"a report holds {found}")
    return "not_an_overdose" if isinstance(reading, NotAnOverdose) else "report"


@lru_cache(maxsize=1)
def _classifier() -> Classifier:
    return classifier(FILE_KEY)


def _complete(rejected: Rejected) -> None:
    texts = (rejected.field or "record", rejected.problem, rejected.expected, rejected.example)
    if not all(isinstance(text, str) and text.strip() for text in texts):
        raise Failed(f"an error is not complete: {texts}")
    found = leaks(" ".join(texts) + str(rejected))
    if found:
        raise Failed(f"an error holds {found}")
    for text in texts:
        text.encode()
        if len(text) > 1_000:
            raise Failed("an error is longer than anybody reads")


def _replayed(feed: Feed, record: RawRecord, media_type: str, outcome: str) -> None:
    """Check that a record alone becomes what it became among the others."""
    try:
        again = list(feed.records(record.alone(), record.media_type or media_type, limit=_MOST_RECORDS))
    except Rejected as rejected:
        _complete(rejected)
        if outcome != "rejected":
            raise Failed(f"a record that became {outcome} is refused alone: {rejected}") from None
        return
    outcomes = [_outcome(feed, part) for part in again]
    if outcome != "rejected" and outcomes != [outcome]:
        raise Failed(f"a record that became {outcome} becomes {outcomes[:3]} alone")


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"it takes longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
