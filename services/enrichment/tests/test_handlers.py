"""From records to messages: keys, types, ids, and which outcome carries them."""

from collections.abc import Callable, Sequence

from spikewatch.chassis.kafka.message import Event, Message, Record
from spikewatch.chassis.outcome import Drop, Emit, Outcome
from spikewatch.contracts import topics
from spikewatch.contracts.cloudevents import Attributes
from spikewatch.contracts.incident import Incident
from spikewatch.contracts.report import LocatedReport, Report
from spikewatch.contracts.topics import EventType
from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.domain.geography import Atlas
from spikewatch.enrichment.domain.locate import Geodata
from spikewatch.enrichment.handlers import MERGED_INTO, locate_handler, match_handler
from spikewatch.enrichment.service import LocateReports, MatchReports
from spikewatch.enrichment.testing import InMemoryMatchStore

Build = Callable[..., LocatedReport]
WEIGHTS = load_weights()


def event(body: object) -> Event:  # type: ignore[type-arg]  # both kinds of body
    one = body.report if isinstance(body, LocatedReport) else body
    moment = one.received_at if isinstance(one, Report) else None
    record = Record("any", 0, 0, b"key", b"", (), moment)  # type: ignore[arg-type]  # a tombstone's time is not looked at
    return Event(record, Attributes("1", "/services/ingest", "any"), body)


def messages(outcomes: Sequence[Outcome]) -> list[tuple[Message, ...]]:
    assert all(isinstance(outcome, Emit) for outcome in outcomes)
    return [outcome.messages for outcome in outcomes if isinstance(outcome, Emit)]


async def test_locate_sends_each_report_under_its_place_key(report: Callable[..., Report], atlas: Atlas) -> None:
    handle = locate_handler(LocateReports(Geodata(atlas)))
    first, tombstone, third = await handle([event(report("1")), event(None), event(report("2", location={}))])
    assert isinstance(tombstone, Drop)
    (one,), (other,) = messages([first, third])
    assert (one.topic, one.key, one.event_type) == (topics.LOCATED, "99001", EventType.REPORT_LOCATED)
    assert other.key == "agency-cedar-ems"
    assert one.event_id != other.event_id


async def test_locating_again_repeats_the_same_event(report: Callable[..., Report], atlas: Atlas) -> None:
    handle = locate_handler(LocateReports(Geodata(atlas)))
    assert messages(await handle([event(report())])) == messages(await handle([event(report())]))
    (changed,) = messages(await handle([event(report(revision=2))]))
    assert changed[0].event_id != messages(await handle([event(report())]))[0][0].event_id


async def test_an_incident_goes_out_once_with_the_last_record_that_touched_it(located: Build) -> None:
    handle = match_handler(MatchReports(InMemoryMatchStore(), WEIGHTS))
    batch = [located("1"), located("9", location={}), located("2", "cedar-911", minutes=3), located("1")]
    first, alone, third, last = messages(await handle([event(one) for one in batch]))
    assert (first, third) == ((), ())
    assert len(alone) == 1
    (message,) = last
    assert message.also_caused_by == (0, 2)
    assert message.body is not None
    incident = Incident.model_validate_json(message.body.to_json())  # type: ignore[union-attr]
    assert (message.topic, message.key, message.event_type) == (topics.INCIDENTS, str(incident.incident_id), EventType.INCIDENT_CHANGED)
    assert sum(len(overdose.reports) for overdose in incident.overdoses) == 2


async def test_the_trace_of_each_submission_stays_with_its_report(located: Build) -> None:
    handle = match_handler(MatchReports(InMemoryMatchStore(), WEIGHTS))
    traced = [located("1", trace_id="a" * 32), located("2", "cedar-911", trace_id="b" * 32)]
    _, (message,) = messages(await handle([event(one) for one in traced]))
    overdoses = Incident.model_validate_json(message.body.to_json()).overdoses  # type: ignore[union-attr]
    assert {one.trace_id for overdose in overdoses for one in overdose.reports} == {"a" * 32, "b" * 32}


async def test_a_retracted_incident_is_a_tombstone_and_a_replay_repeats_every_id(located: Build) -> None:
    handle = match_handler(MatchReports(InMemoryMatchStore(), WEIGHTS))
    await handle([event(located("1"))])
    withdrawn = [event(located("1", revision=2, withdrawn=True))]
    ((tombstone,),) = messages(await handle(withdrawn))
    assert (tombstone.body, tombstone.event_type) == (None, EventType.INCIDENT_RETRACTED)
    assert not tombstone.headers
    ((again,),) = messages(await handle(withdrawn))
    assert again == tombstone


async def test_the_tombstone_of_a_merged_incident_names_the_one_that_goes_on(located: Build) -> None:
    handle = match_handler(MatchReports(InMemoryMatchStore(), WEIGHTS))
    said = {"age": 40, "cad_number": "26-1001"}
    ((first,),) = messages(await handle([event(located("1", minutes=8, **said))]))
    told = [message for part in messages(await handle([event(located("2", "cedar-911", **said))])) for message in part]
    (tombstone,) = [message for message in told if message.body is None]
    (goes_on,) = [message for message in told if message.body is not None]
    assert tombstone.key == first.key
    assert tombstone.headers == ((MERGED_INTO, goes_on.key.encode()),)
