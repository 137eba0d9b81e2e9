"""The sweep over blocks gives what a comparison of all pairs gives, whatever the reports are."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from spikewatch.contracts import identifiers
from spikewatch.contracts.incident import ReportReference
from spikewatch.contracts.report import Position, Reversal, Victims
from spikewatch.contracts.vocabulary import Disposition, Outcome, PlacePrecision, Sex, SourceType, TimePrecision
from spikewatch.enrichment.domain.candidate import Candidate, Extract
from spikewatch.enrichment.domain.match import match

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def all_pairs(candidates: list[Candidate]) -> set[frozenset[UUID]]:
    """The rule of the decision record, word for word: no block and no short cut."""
    groups: list[list[Candidate]] = []
    for candidate in sorted(candidates, key=lambda one: one.order):
        reached = []
        for group in groups:
            since = candidate.links.seconds - group[0].links.seconds
            links = [link for other in group if (link := candidate.links.link(other.links)) is not None and since <= link.seconds]
            if links:
                reached.append((group, max(links)))
        if not reached:
            groups.append([candidate])
            continue
        (home, _), *others = reached
        home.append(candidate)
        for other, link in others:
            if max(one.links.seconds for one in other) - home[0].links.seconds <= link.seconds:
                home.extend(other)
                groups = [group for group in groups if group is not other]
    return {frozenset(one.key for one in group) for group in groups}


@st.composite
def candidates(draw: st.DrawFn) -> list[Candidate]:
    made = []
    for number in range(draw(st.integers(1, 25))):
        agency, source = draw(st.sampled_from([("cedar-911", SourceType.CAD), ("cedar-ems", SourceType.EMS)]))
        key = identifiers.report_key(agency, str(number))
        point = draw(st.none() | st.tuples(st.sampled_from([0.0, 0.0015, 0.003, 0.0045, 0.012]), st.sampled_from([0.0, 0.002, 0.004])))
        made.append(
            Candidate.of(
                Extract(
                    reference=ReportReference(
                        report_id=key, report_key=key, source_agency_id=agency, source_type=source, submission_id=UUID(int=0), trace_id=None
                    ),
                    revision=1,
                    occurred_at=NOON + timedelta(minutes=draw(st.sampled_from([*range(0, 300, 20), 700, 721, 760, 1420, 1500]))),
                    occurred_at_precision=TimePrecision.SECOND,
                    received_at=NOON,
                    place_key=draw(st.sampled_from(["99001", "99001", "99003"])),
                    position=None
                    if point is None
                    else Position(
                        lat=40.5 + point[0], lon=-79.5 + point[1], precision=PlacePrecision.POINT, radius_m=50, method="reported"
                    ),
                    outcome=Outcome.UNKNOWN,
                    reversal=Reversal(),
                    victims=Victims(sex=Sex.UNKNOWN),
                    disposition=Disposition.UNKNOWN,
                    cad_number=draw(st.sampled_from([None, None, None, "26-1", "26-2"])),
                    incident_number=draw(st.sampled_from([None, None, None, "A-77"])),
                )
            )
        )
    return made


@settings(max_examples=300, deadline=None)
@given(candidates())
def test_the_sweep_equals_the_comparison_of_all_pairs(made: list[Candidate]) -> None:
    found = match(made)
    assert {frozenset(one.key for one in incident.members) for incident in found} == all_pairs(made)
    assert all(one.order < later.order for incident in found for one, later in pairwise(incident.members))
