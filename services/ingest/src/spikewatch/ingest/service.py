"""The use case of normalising: submissions in, reports and dead letters out, every record accounted for exactly once."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from spikewatch.chassis.kafka.message import Message
from spikewatch.chassis.outcome import DeadLetter, Emit, Outcome, Reason
from spikewatch.contracts import topics
from spikewatch.contracts.cloudevents import Attributes, write
from spikewatch.contracts.identifiers import record_submission_id
from spikewatch.contracts.report import Report
from spikewatch.contracts.topics import EventType
from spikewatch.ingest.domain.classification import Classifier, interpret
from spikewatch.ingest.domain.feed_book import FeedSubmission
from spikewatch.ingest.domain.feeds import FEEDS
from spikewatch.ingest.domain.feeds.feed import Feed, NotAnOverdose, Reading, Source
from spikewatch.ingest.domain.receipt import Receipt, RecordOutcome, Result
from spikewatch.ingest.domain.record import RawRecord
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.domain.revision import History, Settled, is_overtaken, settle, settle_withdrawal
from spikewatch.ingest.domain.seal import HEADER as SEAL_HEADER
from spikewatch.ingest.domain.seal import Kind, Seals
from spikewatch.ingest.intake import FORMAT_HEADER, INDEX_HEADER, SUBMISSION_HEADER, Arrival, Intake, Opened
from spikewatch.ingest.ports import Receipts, Revisions
from spikewatch.ingest.profile_book import NO_PROFILES, PROFILE_HEADER, ProfileBook, ProfileRecords, name_of

__all__ = ["GROUP", "Normaliser", "report_message"]

GROUP: Final = "ingest-normalise"
_UNKNOWN_FORMAT: Final = "unknown"
_DEAD_LETTERS: Final = topics.dead_letter_topic(topics.SUBMISSIONS.name, GROUP)


@dataclass(slots=True)
class _Work:
    """One arrival on its way through: what was read, what was refused, and the outcome of each record."""

    arrival: Arrival
    opened: Opened | None = None
    readings: list[tuple[RawRecord, Reading | NotAnOverdose]] = field(default_factory=list)
    refused: list[tuple[RawRecord, Rejected]] = field(default_factory=list)
    outcomes: list[RecordOutcome] = field(default_factory=list)
    records: int = 0
    whole: Rejected | None = None
    messages: list[Message] = field(default_factory=list)
    first_reports: list[Report] = field(default_factory=list)


def _not_watched(_: Sequence[FeedSubmission]) -> None:
    """Feeds are watched by the service; the verbs on files have none."""


class Normaliser:
    """Turns a batch of submissions into outcomes.

    Args:
        intake: opens submissions and proves their origin.
        seals: seals refused records before they travel on.
        revisions: what is known of each report.
        receipts: where outcomes are written for the agencies.
        classifier: decides what is an overdose, and of what.
        record_key: gives an agency's key for the ids of its records.
        max_records: of one submission at most.
        feeds: the formats that are read.
        profiles: the agencies' own, by which their tables are read.
        watch: told of every submission whose outcomes are stored.
    """

    def __init__(
        self,
        *,
        intake: Intake,
        seals: Seals,
        revisions: Revisions,
        receipts: Receipts,
        classifier: Classifier,
        record_key: Callable[[str], bytes],
        max_records: int,
        feeds: Mapping[str, Feed] = FEEDS,
        profiles: ProfileRecords = NO_PROFILES,
        watch: Callable[[Sequence[FeedSubmission]], None] = _not_watched,
    ) -> None:
        self._watch = watch
        self._intake = intake
        self._seals = seals
        self._revisions = revisions
        self._receipts = receipts
        self._classifier = classifier
        self._record_key = record_key
        self._max_records = max_records
        self._feeds = feeds
        self._profiles = ProfileBook(profiles)

    async def normalise(self, batch: Sequence[Arrival]) -> Sequence[Outcome]:
        """Return one outcome for each arrival, in order. Everything is stored when it returns.

        Raises:
            Transient: a store does not answer; calling again with the same batch gives the same outcome.
        """
        works = [await self._read(arrival) for arrival in batch]
        changed = await self._settle(works)
        opened = [(work, _receipt(work, work.opened)) for work in works if work.opened is not None]
        receipts = [receipt for _, receipt in opened]
        # Side by side, for speed: should one fail, the batch comes again and both are written once more.
        done = await asyncio.gather(self._revisions.save(changed), self._receipts.save(receipts), return_exceptions=True)
        for failure in done:
            if failure is not None:
                raise failure
        self._watch([_seen(work, receipt) for work, receipt in opened if receipt.format in self._feeds or _is_profiled(work)])
        return [self._outcome(work) for work in works]

    async def _read(self, arrival: Arrival) -> _Work:
        work = _Work(arrival)
        try:
            opened = work.opened = await self._intake.open(arrival)
            if opened.format not in self._feeds:  # it may be any text: no receipt keeps it
                opened = work.opened = replace(opened, format=_UNKNOWN_FORMAT)
            if opened.profile is None:
                feed = self._feed(opened.format)
            else:
                profile, feed = await self._profiled(opened, opened.profile)
                opened = work.opened = replace(opened, format=feed.name, profile=profile)
            raws = list(feed.records(opened.body, arrival.media_type, limit=self._max_records))
        except Rejected as rejected:
            work.whole = rejected
            return work
        source = Source.of(
            opened.agency,
            received_at=opened.received_at,
            submission_id=opened.submission_id,
            feed=feed.name,
            trace_id=arrival.trace_id,
            record_key=self._record_key(opened.agency.agency_id),
        )
        work.records = len(raws)
        for raw in raws:
            _read_record(work, feed, raw, source, self._classifier)
        return work

    async def _profiled(self, opened: Opened, named: str) -> tuple[str, Feed]:
        # What comes back out of a dead letter is read by the newest version: a corrected profile is why it comes back.
        return await self._profiles.appeared(opened.agency.agency_id, name_of(named) if opened.is_part else named)

    def _feed(self, name: str) -> Feed:
        feed = self._feeds.get(name)
        if feed is None:
            problem = "names no format we read"
            raise Rejected(Fault.UNSUPPORTED_FORMAT, FORMAT_HEADER, problem, "one of " + ", ".join(self._feeds), "statutory")
        return feed

    async def _settle(self, works: Sequence[_Work]) -> Sequence[History]:
        """Place every reading in its report's history and return the histories that must be stored."""
        keys = {reading.report.report_key for work in works for _, reading in work.readings if reading.report is not None}
        histories: dict[UUID, History] = dict(await self._revisions.load(keys)) if keys else {}
        for work in works:
            for raw, reading in work.readings:
                if reading.report is None:
                    continue
                key = reading.report.report_key
                history = histories.get(key)
                if history is None:
                    history = histories[key] = History(key)
                index = _index(work, raw)
                settled = _settled(history, reading, index)
                if settled is None:
                    work.outcomes.append(RecordOutcome(index, Result.NOT_AN_OVERDOSE))
                    continue
                result = Result.DUPLICATE if settled.report is None else Result.REPORT
                work.outcomes.append(RecordOutcome(index, result, report_id=settled.report_id, revision=settled.revision))
                if settled.report is not None:
                    work.messages.append(report_message(settled.report))
                    if len(history.known) == 1:
                        work.first_reports.append(settled.report)
        return [history for history in histories.values() if history.is_changed]

    def _outcome(self, work: _Work) -> Outcome:
        if work.whole is not None:
            return _dead_letter(work.whole)
        if work.records == 1 and work.refused and work.arrival.is_sealed and not _is_profiled(work):
            # The consumed record holds nothing but the refused one: it waits as it came.
            return _dead_letter(work.refused[0][1])
        return Emit(tuple(work.messages), tuple(self._alone(work, raw, rejected) for raw, rejected in work.refused))

    def _alone(self, work: _Work, raw: RawRecord, rejected: Rejected) -> DeadLetter:
        arrival, opened = work.arrival, work.opened
        assert opened is not None  # noqa: S101  # a record was cut from it
        index = _index(work, raw)
        ce_id = str(record_submission_id(opened.submission_id, index))
        value = self._seals.seal(
            Kind.GATEWAY, opened.agency.agency_id, raw.alone(), ce_id=ce_id, ce_source=arrival.ce_source, content_type=arrival.media_type
        )
        attributes = Attributes(
            id=ce_id,
            source=arrival.ce_source,
            type=EventType.SUBMISSION_RECEIVED,
            time=opened.received_at,
            subject=str(opened.submission_id),
            content_type=arrival.media_type,
        )
        headers = (
            *write(attributes),
            (SEAL_HEADER, Kind.GATEWAY.value.encode()),
            (FORMAT_HEADER, opened.format.encode()),
            (SUBMISSION_HEADER, str(opened.submission_id).encode()),
            (INDEX_HEADER, str(index).encode()),
        )
        if opened.profile is not None:
            headers = (*headers, (PROFILE_HEADER, opened.profile.encode()))
        if arrival.seal_kind is Kind.GATEWAY and (parent := arrival.header("traceparent")) is not None:
            headers = (*headers, ("traceparent", parent.encode()))  # a replay goes on in the trace of the request
        return _dead_letter(rejected, value, headers)


def _read_record(work: _Work, feed: Feed, raw: RawRecord, source: Source, classifier: Classifier) -> None:
    rejected = raw.rejected
    if raw.is_skipped:
        work.outcomes.append(RecordOutcome(_index(work, raw), Result.NOT_AN_OVERDOSE))
        return
    if rejected is None:
        try:
            reading = interpret(feed, raw.fields, source, classifier)
        except Rejected as error:
            rejected = error
        else:
            if isinstance(reading, NotAnOverdose) and reading.report is None:
                work.outcomes.append(RecordOutcome(_index(work, raw), Result.NOT_AN_OVERDOSE))
            else:
                work.readings.append((raw, reading))
            return
    work.refused.append((raw, rejected))
    work.outcomes.append(RecordOutcome.refused(_index(work, raw), rejected, _DEAD_LETTERS))


def _settled(history: History, reading: Reading | NotAnOverdose, index: int) -> Settled | None:
    if isinstance(reading, NotAnOverdose):
        return settle_withdrawal(history, reading, index)
    return None if is_overtaken(history, reading) else settle(history, reading, index)


def _is_profiled(work: _Work) -> bool:
    """Tell whether it was read by a profile of its agency."""
    return work.opened is not None and work.opened.profile is not None and work.whole is None


def _index(work: _Work, raw: RawRecord) -> int:
    """Return the record's place in the submission it first came with."""
    first = work.opened.first_index if work.opened is not None else 0
    return first + raw.index


def _receipt(work: _Work, opened: Opened) -> Receipt:
    outcomes = work.outcomes
    if work.whole is not None:
        outcomes = [RecordOutcome.refused(opened.first_index if opened.is_part else -1, work.whole, _DEAD_LETTERS)]
    return Receipt(
        submission_id=opened.submission_id,
        agency_id=opened.agency.agency_id,
        received_at=opened.received_at,
        format=opened.format,
        records=work.records,
        outcomes=tuple(sorted(outcomes, key=lambda outcome: outcome.index)),
        is_part=opened.is_part,
    )


def _seen(work: _Work, receipt: Receipt) -> FeedSubmission:
    return FeedSubmission.of(receipt, work.first_reports, partition=work.arrival.partition, offset=work.arrival.offset)


def report_message(report: Report) -> Message:
    """Return the message that publishes a report."""
    return Message.of(
        topics.REPORTS,
        report,
        key=str(report.report_key),
        event_type=EventType.REPORT_NORMALISED,
        subject=report.report_key,
        version=report.revision,
        source=f"/agencies/{report.source_agency_id}",
        time=report.received_at,
    )


def _dead_letter(rejected: Rejected, value: bytes | None = None, headers: tuple[tuple[str, bytes], ...] | None = None) -> DeadLetter:
    return DeadLetter(
        reason=Reason(rejected.fault.value),
        field=rejected.field,
        problem=rejected.problem,
        expected=rejected.expected,
        example=rejected.example,
        value=value,
        headers=headers,
    )
