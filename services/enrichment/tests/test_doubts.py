"""The questions for people: nearest to the boundary first, none that is decided, the same in any order of the reports."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from spikewatch.contracts.decision import Decision, DecisionKind, DecisionLevel
from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.domain.matching.decisions import Decisions
from spikewatch.enrichment.domain.matching.doubts import doubts
from spikewatch.enrichment.domain.matching.explanation import explain, fit
from spikewatch.enrichment.domain.matching.matcher import match
from spikewatch.enrichment.domain.matching.records import Compared, of_row
from spikewatch.enrichment.domain.matching.weights import SCALE

NIGHT = datetime(2026, 5, 1, 2, 30, tzinfo=UTC)
WEIGHTS = load_weights()
NOTHING = Decisions()


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


def night(seed: int) -> list[Compared]:
    """Forty people at few corners, told by agencies that often leave out age and sex."""
    draw = random.Random(seed)
    made = []
    for person in range(40):
        minutes, lat = draw.uniform(0, 900), 40.5 + draw.randrange(6) * 0.003
        age, sex = draw.randrange(18, 70), draw.choice("MF")
        for agency, lag in (("CAD", 0), ("EMS", 8), ("POLICE", 20), ("ED", 45)):
            if draw.random() < 0.7:
                known: dict[str, object] = {"age": age, "sex": sex} if draw.random() < 0.5 else {}
                made.append(row(agency, f"{agency}{person}", minutes + lag + draw.gauss(0, 4), lat=lat, **known))
    return made


def asked(records: list[Compared], decisions: Decisions = NOTHING, limit: int = 1_000) -> list[tuple[object, ...]]:
    found = doubts(match(records, WEIGHTS, decisions=decisions), decisions, limit)
    return [(one.together, one.reports, one.others, one.bits, one.weight) for one in found]


@pytest.mark.parametrize("seed", range(20))
def test_the_questions_do_not_depend_on_the_order_of_the_reports(seed: int) -> None:
    records = night(seed)
    shuffled = random.Random(seed).sample(records, len(records))
    assert asked(records) == asked(shuffled)


def test_questions_come_by_nearness_and_by_how_many_reports_hang_on_them() -> None:
    found = doubts(match(night(3), WEIGHTS), NOTHING, 1_000)
    assert {one.together for one in found} == {True, False}
    weights = [one.weight for one in found]
    assert weights == sorted(weights, reverse=True)
    for one in found:
        assert one.weight <= len(one.reports) + len(one.others)
        assert (one.bits >= 0) or not one.together, "what is together fits"
    at_the_boundary = min(
        (one for seed in range(20) for one in doubts(match(night(seed), WEIGHTS), NOTHING, 1_000)), key=lambda one: abs(one.bits)
    )
    assert at_the_boundary.weight == pytest.approx(len(at_the_boundary.reports) + len(at_the_boundary.others), rel=0.1)


def test_bits_say_how_far_the_fit_is_from_the_boundary() -> None:
    records = night(5)
    by_key = {record.key: record for record in records}
    for one in doubts(match(records, WEIGHTS), NOTHING, 20):
        sides = [[by_key[key] for key in side] for side in (one.reports, one.others)]
        assert one.bits == pytest.approx(fit(*sides, WEIGHTS)[0] - WEIGHTS.join / SCALE, abs=0.02)


def test_no_more_are_returned_than_asked_for() -> None:
    records = night(3)
    assert asked(records, limit=2) == asked(records)[:2]


def test_what_was_decided_is_asked_no_more_and_its_undo_asks_again() -> None:
    records = night(3)
    first = doubts(match(records, WEIGHTS), NOTHING, 1)[0]
    kind = DecisionKind.TOGETHER if first.together else DecisionKind.APART
    said = Decision.of(kind, DecisionLevel.OVERDOSE, first.reports, first.others, author="reviewer-1", reason="looked at", decided_at=NIGHT)
    sides = {frozenset((first.reports, first.others))}
    assert sides.isdisjoint({frozenset((one[1], one[2])) for one in asked(records, Decisions([said]))})
    taken_back = Decision.of(
        DecisionKind.UNDO, said.level, said.reports, author="r", reason="too soon", decided_at=NIGHT, undoes=said.decision_id
    )
    assert asked(records, Decisions([said, taken_back])) == asked(records)


def test_reports_that_leave_no_doubt_are_no_question() -> None:
    sure = [row("CAD", "1", cad_no="26-000341", sex="F"), row("EMS", "2", 7, cad_no="26-000341", sex="F", age=34)]
    far = [row("EMS", "3", 600, lat=40.9, sex="M", age=70)]
    assert asked(sure + far) == []


def test_a_group_is_explained_as_the_matcher_found_it() -> None:
    records = night(7)
    matched = match(records, WEIGHTS)
    members = {key: one.overdose_id for key, one in matched.assignments().items()}
    key = max(members, key=lambda one: (list(members.values()).count(members[one]), one))
    told = explain(matched, key)
    assert set(told.reports) == {one for one, overdose in members.items() if overdose == members[key]}
    assert len(told.edges) == len(told.reports) * (len(told.reports) - 1) // 2


def test_an_overdose_is_asked_about_once_also_in_a_feed_that_repeats_itself() -> None:
    repeated = [row("EMS" if number % 2 else "POLICE", f"{number}", number / 1_000) for number in range(300)]
    for records in (night(3), repeated):
        named = [key for one in asked(records) for key in (*one[1], *one[2])]  # type: ignore[misc]
        assert len(set(named)) == len(named)
        assert named


def said(kind: DecisionKind, level: DecisionLevel, one: object, other: object) -> Decision:
    return Decision.of(kind, level, one, other, author="reviewer-1", reason="looked at", decided_at=NIGHT)  # type: ignore[arg-type]


def test_that_two_are_one_incident_leaves_open_whether_they_are_one_person() -> None:
    records = night(3)
    first = next(one for one in doubts(match(records, WEIGHTS), NOTHING, 1_000) if not one.together)
    scene = Decisions([said(DecisionKind.TOGETHER, DecisionLevel.INCIDENT, first.reports, first.others)])
    assert (first.reports, first.others) in {(one[1], one[2]) for one in asked(records, scene)}
    people = Decisions([said(DecisionKind.APART, DecisionLevel.OVERDOSE, first.reports, first.others)])
    assert (first.reports, first.others) not in {(one[1], one[2]) for one in asked(records, people)}


def test_what_follows_from_two_decisions_is_no_question() -> None:
    records = night(3)
    first = next(one for one in doubts(match(records, WEIGHTS), NOTHING, 1_000) if not one.together)
    between = [records[0].key] if records[0].key not in (*first.reports, *first.others) else [records[1].key]
    chain = Decisions(
        [
            said(DecisionKind.TOGETHER, DecisionLevel.OVERDOSE, first.reports[:1], between),
            said(DecisionKind.APART, DecisionLevel.OVERDOSE, between, first.others[:1]),
        ]
    )
    sides = {frozenset((one[1], one[2])) for one in asked(records, chain)}
    assert not [one for one in sides if {first.reports[0], first.others[0]} <= {key for side in one for key in side}]  # type: ignore[attr-defined]


def test_once_a_report_is_said_to_belong_the_next_one_of_its_overdose_is_asked_about() -> None:
    sure = {"cad_no": "26-000341", "sex": "F", "age": 34}
    records = [row("CAD", "1", cad_no="26-000341"), row("EMS", "2", 7, **sure), row("POLICE", "3", 60), row("FIRE", "4", 55)]
    first = doubts(match(records, WEIGHTS), NOTHING, 10)
    (question,) = [one for one in first if one.together]
    yes = Decisions([said(DecisionKind.TOGETHER, DecisionLevel.OVERDOSE, question.reports, question.others[:1])])
    (next_one,) = [one for one in doubts(match(records, WEIGHTS, decisions=yes), yes, 10) if one.together]
    assert next_one.reports != question.reports
