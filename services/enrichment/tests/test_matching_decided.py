"""What people decided outranks the score, and reaches as far as the reports it names."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from uuid import UUID

from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.domain.matching.decisions import Decision, DecisionKind, DecisionLevel, Decisions
from spikewatch.enrichment.domain.matching.matcher import match
from spikewatch.enrichment.domain.matching.records import Compared, of_row

NIGHT = datetime(2026, 5, 1, 2, 30, tzinfo=UTC)
WEIGHTS = load_weights()
TOGETHER, APART = DecisionKind.TOGETHER, DecisionKind.APART
OVERDOSE, INCIDENT = DecisionLevel.OVERDOSE, DecisionLevel.INCIDENT


def row(agency: str, number: str, minutes: float = 0, **stated: object) -> Compared:
    fields = {
        "agency": agency,
        "agency_record_no": number,
        "event_time": (NIGHT + timedelta(minutes=minutes)).isoformat(),
        "time_precision": "second",
        "lat": "40.5",
        "lon": "-79.5",
        "geo_precision": "address",
    }
    return of_row(fields | {name: str(value) for name, value in stated.items()})


def decided(kind: DecisionKind, level: DecisionLevel, *records: Compared) -> Decisions:
    keys = [one.key for one in records]
    return Decisions([Decision.of(kind, level, keys, author="reviewer-7", reason="looked at both", decided_at=NIGHT)])


def who_is_who(records: list[Compared], decisions: Decisions) -> tuple[set[frozenset[UUID]], set[frozenset[UUID]]]:
    overdoses, incidents = defaultdict(set), defaultdict(set)
    for key, assignment in match(records, WEIGHTS, decisions=decisions).assignments().items():
        overdoses[assignment.overdose_id].add(key)
        incidents[assignment.incident_id].add(key)
    return {frozenset(one) for one in overdoses.values()}, {frozenset(one) for one in incidents.values()}


CALL = row("CAD", "c", 0, cad_no="26-1001", age=40, sex="M")
CREW = row("EMS", "e", 8, cad_no="26-1001", age=40, sex="M")
FAR = row("EMS", "f", 700, lat=40.9, age=61, sex="F")


def keys(*records: Compared) -> frozenset[UUID]:
    return frozenset(one.key for one in records)


def test_a_veto_of_a_person_parts_what_the_score_joins_and_leaves_one_incident() -> None:
    assert who_is_who([CALL, CREW], Decisions()) == ({keys(CALL, CREW)}, {keys(CALL, CREW)})
    overdoses, incidents = who_is_who([CALL, CREW], decided(APART, OVERDOSE, CALL, CREW))
    assert overdoses == {keys(CALL), keys(CREW)}
    assert incidents == {keys(CALL, CREW)}


def test_incidents_that_were_parted_stay_apart_though_their_call_is_one() -> None:
    overdoses, incidents = who_is_who([CALL, CREW], decided(APART, INCIDENT, CALL, CREW))
    assert overdoses == incidents == {keys(CALL), keys(CREW)}


def test_reports_far_from_one_another_are_one_overdose_when_a_person_says_so() -> None:
    assert who_is_who([CALL, FAR], Decisions())[0] == {keys(CALL), keys(FAR)}
    both = {keys(CALL, FAR)}
    assert who_is_who([FAR, CALL], decided(TOGETHER, OVERDOSE, CALL, FAR)) == (both, both)


def test_incidents_that_were_joined_hold_overdoses_of_their_own() -> None:
    overdoses, incidents = who_is_who([CALL, CREW, FAR], decided(TOGETHER, INCIDENT, CREW, FAR))
    assert overdoses == {keys(CALL, CREW), keys(FAR)}
    assert incidents == {keys(CALL, CREW, FAR)}


def test_a_decision_moves_only_the_reports_it_names() -> None:
    overdoses, _ = who_is_who([CALL, CREW, FAR], decided(TOGETHER, OVERDOSE, CALL, FAR))
    # The crew's report speaks so strongly against the far one that it stays alone: only the named pair is decided.
    assert overdoses == {keys(CALL, FAR), keys(CREW)}


def test_decisions_about_reports_that_are_gone_say_nothing() -> None:
    decisions = decided(TOGETHER, OVERDOSE, CALL, FAR)
    assert who_is_who([CALL, FAR._replace(withdrawn=True)], decisions) == ({keys(CALL)}, {keys(CALL)})


def test_reports_that_are_not_named_are_matched_as_ever() -> None:
    others = [row("EMS", f"o{number}", number * 500, lat=42.0, age=20 + number) for number in range(12)]
    alone = match(others, WEIGHTS).assignments()
    beside = match([*others, CALL, CREW], WEIGHTS, decisions=decided(APART, OVERDOSE, CALL, CREW)).assignments()
    assert {key: beside[key] for key in alone} == alone
