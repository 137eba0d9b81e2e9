"""Which report each field of an overdose is taken from."""

from collections.abc import Callable

import pytest

from spikewatch.contracts.identifiers import incident_id
from spikewatch.contracts.incident import Incident, IncidentChange
from spikewatch.contracts.report import Drug, LocatedReport, QualityNote, Reversal
from spikewatch.contracts.vocabulary import Disposition, Outcome, PlacePrecision, SourceType, TimePrecision, YesNo
from spikewatch.enrichment.domain.candidate import Candidate
from spikewatch.enrichment.domain.matched import MatchedIncident, MatchedOverdose
from spikewatch.enrichment.domain.survivorship import incident

Build = Callable[..., LocatedReport]
S = SourceType


def merged(*people: LocatedReport | tuple[LocatedReport, ...]) -> Incident:
    """Return the incident of these people; a report by itself is about the first."""
    alone = tuple(one for one in people if isinstance(one, LocatedReport))
    groups = [group for group in (alone, *(one for one in people if not isinstance(one, LocatedReport))) if group]
    found = [tuple(sorted(map(Candidate.of, group), key=lambda one: one.record.order)) for group in groups]
    overdoses = tuple(MatchedOverdose(reports, 0.9) for reports in found)
    members = tuple(sorted((report for reports in found for report in reports), key=lambda one: one.record.order))
    made = MatchedIncident(incident_id(members[0].key), overdoses, members, "digest")
    return incident(made, version=1, change=IncidentChange.OPENED)


def test_time_comes_from_dispatch_then_ems_and_never_from_a_bare_date(located: Build) -> None:
    ems, call = located("1", "cedar-ems", minutes=5), located("2", "cedar-911", source_type=S.CAD, minutes=9)
    assert merged(ems, call).overdoses[0].occurred_at == call.report.occurred_at
    dated = located("2", "cedar-911", source_type=S.CAD, cad_number="26-1", occurred_at_precision=TimePrecision.DATE)
    assert merged(located("1", "cedar-ems", minutes=5, cad_number="26-1"), dated).occurred_at == ems.report.occurred_at


def test_place_is_the_most_precise_and_its_areas_are_the_incidents(located: Build) -> None:
    block = located("1", "cedar-ems", cad_number="26-1", location={"lat": 40.9, "lon": -79.5, "precision": PlacePrecision.BLOCK})
    point = located("2", "cedar-police", source_type=S.POLICE, cad_number="26-1")
    both = merged(block, point)
    assert both.position == point.position
    assert both.areas == point.areas


def test_the_emergency_departments_zip_is_used_only_when_nobody_else_knows_a_place(located: Build) -> None:
    home = located("1", "cedar-hospital", source_type=S.ED, cad_number="26-1", location={"zip5": "99901"})
    county = located("2", "cedar-police", source_type=S.POLICE, cad_number="26-1", location={"county_fips": "99001"})
    assert merged(home, county).areas == county.areas
    assert merged(home).areas == home.areas


@pytest.mark.parametrize(
    ("later", "outcome"),
    [
        ({"source_type": S.ME}, Outcome.FATAL),
        ({"source_type": S.FIRE, "disposition": Disposition.DIED_ON_SCENE}, Outcome.FATAL),
        ({"source_type": S.ED, "outcome": Outcome.FATAL}, Outcome.FATAL),
        ({"source_type": S.POLICE}, Outcome.NONFATAL),
    ],
)
def test_outcome_is_fatal_by_examiner_or_death_on_scene_else_the_latest_known(
    located: Build, later: dict[str, object], outcome: Outcome
) -> None:
    overdose = merged(located("1", outcome=Outcome.NONFATAL), located("2", "cedar-other", minutes=30, **later)).overdoses[0]
    assert overdose.outcome is outcome


def test_age_and_sex_come_from_the_examiner_before_the_department_before_ems(located: Build) -> None:
    ems, department = located("1", "cedar-ems", age=30), located("2", "cedar-hospital", source_type=S.ED, minutes=2, age=33)
    assert merged(ems, department).overdoses[0].victims.age == 33


def test_reversal_is_yes_when_anyone_gave_it_with_the_most_doses(located: Build) -> None:
    ems = located("1", "cedar-ems", reversal=Reversal(given=YesNo.YES, doses=1))
    police = located("2", "cedar-police", source_type=S.POLICE, reversal=Reversal(given=YesNo.YES, doses=3, before_ems=YesNo.YES))
    denied = located("3", "cedar-911", source_type=S.CAD, reversal=Reversal(given=YesNo.NO))
    reversal = merged(ems, police, denied).overdoses[0].reversal
    assert (reversal.given, reversal.doses, reversal.before_ems) == (YesNo.YES, 3, YesNo.YES)
    assert merged(denied).overdoses[0].reversal.given is YesNo.NO


def test_drugs_come_from_the_examiner_first(located: Build) -> None:
    ems = located("1", "cedar-ems", drugs=(Drug(term="heroin"),))
    examiner = located("2", "cedar-me", source_type=S.ME, minutes=10, drugs=(Drug(term="fentanyl"),))
    assert [drug.term for drug in merged(ems, examiner).overdoses[0].drugs] == ["fentanyl"]


def test_a_count_above_the_reports_is_noted_and_nobody_is_invented(located: Build) -> None:
    told = merged(located("1", count=3), (located("2", minutes=1),))
    assert len(told.overdoses) == 2
    assert told.overdoses[0].quality == (QualityNote(field="victims.count", code="more_people_counted"),)


def test_confidence_is_the_matchers_and_the_place_key_that_of_the_place(located: Build) -> None:
    call = located("1", "cedar-911", source_type=S.CAD, location={})
    both = merged(call, located("2", "cedar-ems", minutes=5))
    assert both.overdoses[0].confidence == 0.9
    assert (call.place_key, both.place_key) == ("agency-cedar-911", "99001")


def test_a_report_of_a_flood_says_that_it_was_not_matched(located: Build) -> None:
    one = Candidate.of(located("1"))
    made = MatchedIncident(incident_id(one.key), (MatchedOverdose((one,), 0.1, is_flooded=True),), (one,), "digest")
    told = incident(made, version=1, change=IncidentChange.OPENED)
    assert told.overdoses[0].quality == (QualityNote(field="reports", code="flood_not_matched"),)
