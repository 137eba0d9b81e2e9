"""Whatever was decided, in whatever order: the matcher does what is in force, and forgets what was undone."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spikewatch_testing.exploring import examples

from spikewatch.contracts.decision import Decision, DecisionKind, DecisionLevel
from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.domain.matching.decisions import Decisions
from spikewatch.enrichment.domain.matching.matcher import match
from spikewatch.enrichment.domain.matching.records import Compared, of_row

START = datetime(2026, 5, 1, 2, 30, tzinfo=UTC)
WEIGHTS = load_weights()


def row(agency: str, number: int, minutes: float, corner: int, **stated: object) -> Compared:
    fields = {
        "agency": agency,
        "agency_record_no": f"{agency}{number}",
        "event_time": (START + timedelta(minutes=minutes)).isoformat(),
        "time_precision": "second",
        "lat": str(40.5 + corner * 0.002),
        "lon": "-79.5",
        "geo_precision": "address",
    }
    return of_row(fields | {name: str(value) for name, value in stated.items()})


def evening() -> list[Compared]:
    draw = random.Random(11)
    made = []
    for person in range(8):
        minutes, corner = draw.uniform(0, 240), draw.randrange(3)
        age, sex = draw.randrange(18, 70), draw.choice("MF")
        for agency, lag in (("CAD", 0), ("EMS", 8), ("ED", 44)):
            if draw.random() < 0.8:
                made.append(row(agency, person, minutes + lag, corner, age=age, sex=sex, cad_no=f"26-{person:06d}"))
    return made


RECORDS = evening()
STRANGER = UUID(int=77)  # a report that nobody has sent yet
keys = st.sampled_from([*(record.key for record in RECORDS), STRANGER])


@st.composite
def decision(draw: st.DrawFn) -> Decision:
    reports = draw(st.lists(keys, min_size=2, max_size=5, unique=True))
    cut = draw(st.integers(0, len(reports) - 1))
    kind = draw(st.sampled_from([DecisionKind.TOGETHER, DecisionKind.APART]))
    at = START + timedelta(minutes=draw(st.integers(0, 5)))
    sides = (reports[:cut], reports[cut:]) if cut else (reports, [])
    return Decision.of(kind, draw(st.sampled_from(DecisionLevel)), *sides, author="reviewer-1", reason="as tested", decided_at=at)


def undo(one: Decision) -> Decision:
    return Decision.of(
        DecisionKind.UNDO, one.level, one.reports, author="reviewer-2", reason="too soon", decided_at=START, undoes=one.decision_id
    )


def homes(records: list[Compared], decisions: Decisions) -> dict[UUID, tuple[UUID, UUID]]:
    found = match(records, WEIGHTS, decisions=decisions).assignments()
    return {key: (one.overdose_id, one.incident_id) for key, one in found.items()}


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(decision(), max_size=6), st.randoms(use_true_random=False))
def test_what_is_in_force_is_done_in_any_order_and_undone_without_a_trace(history: list[Decision], draw: random.Random) -> None:
    decisions = Decisions(history)
    home = homes(RECORDS, decisions)
    for place, level in enumerate((DecisionLevel.OVERDOSE, DecisionLevel.INCIDENT)):
        for group in decisions.together(level):
            assert len({home[key][place] for key in group if key in home}) <= 1
        for one, two in decisions.apart(level):
            assert one not in home or two not in home or home[one][place] != home[two][place]
    scenes = dict(home.values())
    assert all(scenes[person] == scene for person, scene in home.values()), "an overdose is in one incident"
    told = [*history, *history]
    draw.shuffle(told)
    assert homes(draw.sample(RECORDS, len(RECORDS)), Decisions(told)) == home
    assert homes(RECORDS, Decisions([*map(undo, history), *history])) == homes(RECORDS, Decisions())


@settings(max_examples=examples(20), suppress_health_check=[HealthCheck.too_slow])
@given(decision())
def test_what_a_decision_does_not_reach_stays_as_it_was(one: Decision) -> None:
    before, after = homes(RECORDS, Decisions()), homes(RECORDS, Decisions([one]))
    named = {*one.reports, *one.others}
    touched = {scene for key, (_, scene) in (*before.items(), *after.items()) if key in named}
    for key, home in before.items():
        if home[1] not in touched and after[key][1] not in touched:
            assert after[key] == home
