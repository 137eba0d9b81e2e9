"""What is kept about one feed (all that one agency sends in one format), and what follows from it: does it flow, is it late?

A submission is entered once: the book remembers how far it has read each partition, so a redelivery counts nothing twice.
Its size does not grow: four weeks of days, each a handful of counts.

The cadence is learnt from the pauses between submissions. The usual gap is the longest pause of the last four weeks but one:
the very longest may have been an outage, and an outage must not teach that outages are usual. Nothing is concluded before
the feed has been seen for two days, so that a first quiet night is not an alarm; a cadence that the agency declares counts at
once and outranks what was learnt.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from spikewatch.contracts.contract import Interval
from spikewatch.contracts.feed_health import FeedHealth, FeedState, FieldShare, ReasonCount
from spikewatch.contracts.report import Report
from spikewatch.contracts.vocabulary import Outcome, Sex, TimePrecision, YesNo
from spikewatch.ingest.domain.feeds.feed import COUNTY_ASSUMED
from spikewatch.ingest.domain.receipt import Receipt

__all__ = ["COMPLETENESS", "FeedBook", "FeedSubmission", "health", "is_news"]

_DAYS_KEPT: Final = 28
_WINDOW_DAYS: Final = 7
_LEARNT_AFTER: Final = timedelta(days=2)
_LEARNT_FROM: Final = 10  # submissions
_PATIENCE: Final = 1.5  # times the usual gap
_SHORTEST_SILENCE: Final = timedelta(minutes=15)
_LATE: Final = timedelta(hours=24)
_VERY_LATE: Final = timedelta(hours=72)
_NEWS_EVERY: Final = timedelta(minutes=1)
_REASON: Final = "rejected:"
_STATED: Final = "states:"
_WHOLE_DAY: Final = timedelta(days=1)

_STATES: Final[Mapping[str, Callable[[Report], bool]]] = {
    "exact_time": lambda report: report.occurred_at_precision in {TimePrecision.SECOND, TimePrecision.MINUTE},
    "point": lambda report: report.location.lat is not None,
    "street": lambda report: bool(report.location.address or report.location.intersection),
    "zip": lambda report: report.location.zip5 is not None,
    "county": lambda report: report.location.county_fips is not None and COUNTY_ASSUMED not in report.quality,
    "outcome": lambda report: report.outcome is not Outcome.UNKNOWN,
    "age": lambda report: report.victims.age is not None or report.victims.age_band is not None,
    "sex": lambda report: report.victims.sex is not Sex.UNKNOWN,
    "drugs": lambda report: bool(report.drugs),
    "reversal": lambda report: report.reversal.given is not YesNo.UNKNOWN,
    "incident_number": lambda report: report.incident_number is not None,
    "cad_number": lambda report: report.cad_number is not None,
}  # "unknown" is not a statement

COMPLETENESS: Final = tuple(_STATES)
"""The fields whose completeness is counted."""


@dataclass(frozen=True, slots=True)
class FeedSubmission:
    """What one submission adds to its feed's book.

    Attributes:
        agency_id: who sent it.
        format: in which format.
        partition: of the submissions topic.
        offset: its place there.
        received_at: when Spikewatch got it.
        counts: records by result, refused ones by reason too, and what its new reports state.
        last_occurred_at: the latest overdose among its new reports.
    """

    agency_id: str
    format: str
    partition: int
    offset: int
    received_at: datetime
    counts: Mapping[str, int]
    last_occurred_at: datetime | None = None

    @classmethod
    def of(cls, receipt: Receipt, new_reports: Iterable[Report], *, partition: int, offset: int) -> "FeedSubmission":
        """Count a submission's outcomes, and of its new reports (first revisions) how late and how complete they are."""
        counts = Counter(outcome.result.value for outcome in receipt.outcomes)
        counts.update(_REASON + outcome.reason for outcome in receipt.outcomes if outcome.reason is not None)
        last: datetime | None = None
        for report in new_reports:
            counts["new_reports"] += 1
            counts.update(_STATED + name for name, states in _STATES.items() if states(report))
            # Of a day that is known without its hour, only what is certainly late counts as late.
            known_to = _WHOLE_DAY if report.occurred_at_precision is TimePrecision.DATE else timedelta()
            late = report.received_at - report.occurred_at - known_to
            counts["later_than_24_h"] += late > _LATE
            counts["later_than_72_h"] += late > _VERY_LATE
            last = report.occurred_at if last is None else max(last, report.occurred_at)
        # To the millisecond, as the store keeps it: a redelivered submission must not look later than itself.
        received_at = receipt.received_at.replace(microsecond=receipt.received_at.microsecond // 1000 * 1000)
        return cls(receipt.agency_id, receipt.format, partition, offset, received_at, counts, last)

    @property
    def feed(self) -> str:
        """The feed's name."""
        return f"{self.agency_id}/{self.format}"


@dataclass(slots=True)
class FeedBook:
    """All that is kept about one feed.

    Attributes:
        feed: its name, agency/format.
        version: counts the stored changes (0: not stored yet).
        read_to: last offset that was entered, by partition.
        first_received_at: of the first submission ever.
        last_received_at: of the latest one.
        last_occurred_at: the latest overdose it told of.
        days: counts by UTC day of receipt.
        pauses: the two longest pauses, in seconds, that ended on each day.
        published: the record that was published last.
    """

    feed: str
    version: int = 0
    read_to: dict[int, int] = field(default_factory=dict)
    first_received_at: datetime | None = None
    last_received_at: datetime | None = None
    last_occurred_at: datetime | None = None
    days: dict[date, Counter[str]] = field(default_factory=dict)
    pauses: dict[date, list[float]] = field(default_factory=dict)
    published: FeedHealth | None = None

    @property
    def agency_id(self) -> str:
        """Whose feed it is."""
        return self.feed.partition("/")[0]

    @property
    def format(self) -> str:
        """In which format it comes."""
        return self.feed.partition("/")[2]

    def enter(self, submission: FeedSubmission) -> bool:
        """Enter a submission; False when it was entered before."""
        at = submission.received_at
        is_read = submission.offset <= self.read_to.get(submission.partition, -1)
        # A small offset with a later time is not a redelivery: the topic was made anew.
        if is_read and self.last_received_at is not None and at <= self.last_received_at:
            return False
        self.read_to[submission.partition] = submission.offset
        day = at.astimezone(UTC).date()
        counts = self.days.setdefault(day, Counter())
        counts["submissions"] += 1
        counts.update(submission.counts)
        self._pause(at, day)
        self.first_received_at = at if self.first_received_at is None else min(at, self.first_received_at)
        self.last_received_at = at if self.last_received_at is None else max(at, self.last_received_at)
        told = submission.last_occurred_at
        if told is not None:
            self.last_occurred_at = told if self.last_occurred_at is None else max(told, self.last_occurred_at)
        for kept in (self.days, self.pauses):
            for old in sorted(kept)[:-_DAYS_KEPT]:
                del kept[old]
        return True

    def _pause(self, at: datetime, day: date) -> None:
        if self.last_received_at is not None and at > self.last_received_at:
            longest = [*self.pauses.get(day, ()), (at - self.last_received_at).total_seconds()]
            self.pauses[day] = sorted(longest, reverse=True)[:2]

    def usual_gap(self) -> timedelta | None:
        """Return the longest usual pause, or None while too little is known."""
        if self.first_received_at is None or self.last_received_at is None:
            return None
        submissions = sum(counts["submissions"] for counts in self.days.values())
        if self.last_received_at - self.first_received_at < _LEARNT_AFTER or submissions < _LEARNT_FROM:
            return None
        pauses = sorted((pause for day in self.pauses.values() for pause in day), reverse=True)
        return timedelta(seconds=pauses[1]) if len(pauses) > 1 else None


def health(book: FeedBook, now: datetime, declared: timedelta | None = None) -> FeedHealth:
    """Judge a feed that has sent at least once.

    Args:
        book: what is kept about it.
        now: an aware moment.
        declared: how often the agency says that it sends.
    """
    first, last = book.first_received_at, book.last_received_at
    assert first is not None  # noqa: S101  # a book is opened by its first submission
    assert last is not None  # noqa: S101
    usual = book.usual_gap()
    gap = usual if declared is None else declared
    silent_after = None if gap is None else last + max(gap * _PATIENCE, _SHORTEST_SILENCE)
    if silent_after is None:
        state, since = FeedState.LEARNING, first
    elif now > silent_after:
        state, since = FeedState.SILENT, last
    else:
        is_same = book.published is not None and book.published.state is FeedState.FLOWING
        state, since = FeedState.FLOWING, book.published.since if is_same and book.published is not None else last
    start = datetime.combine(now.astimezone(UTC).date() - timedelta(days=_WINDOW_DAYS - 1), time(), UTC)
    counts: Counter[str] = Counter()
    for day, of_day in book.days.items():
        if day >= start.date():
            counts.update(of_day)
    records = sum(counts[name] for name in ("report", "duplicate", "not_an_overdose", "rejected"))
    new = counts["new_reports"]
    return FeedHealth(
        feed=book.feed,
        agency_id=book.agency_id,
        format=book.format,
        version=(book.published.version if book.published else 0) + 1,
        state=state,
        since=since,
        first_received_at=first,
        last_received_at=last,
        last_occurred_at=book.last_occurred_at,
        usual_gap_s=None if usual is None else usual.total_seconds(),
        declared_gap_s=None if declared is None else declared.total_seconds(),
        silent_after=silent_after,
        window=Interval(start=start, end=now),
        submissions=counts["submissions"],
        records=records,
        reports=counts["report"],
        duplicates=counts["duplicate"],
        not_an_overdose=counts["not_an_overdose"],
        rejected=counts["rejected"],
        rejected_by_reason=tuple(
            ReasonCount(reason=name.removeprefix(_REASON), records=n) for name, n in sorted(counts.items()) if name.startswith(_REASON)
        ),
        error_rate=counts["rejected"] / records if records else None,
        new_reports=new,
        later_than_24_h=counts["later_than_24_h"],
        later_than_72_h=counts["later_than_72_h"],
        completeness=tuple(FieldShare(field=name, share=counts[_STATED + name] / new) for name in COMPLETENESS) if new else (),
    )


def is_news(known: FeedHealth | None, judged: FeedHealth) -> bool:
    """Tell whether a judgement is worth publishing: another state at once, other counts once a minute."""
    if known is None or known.state is not judged.state:
        return True
    is_moved = (known.last_received_at, known.records, known.silent_after) != (judged.last_received_at, judged.records, judged.silent_after)
    return is_moved and judged.window.end - known.window.end >= _NEWS_EVERY
