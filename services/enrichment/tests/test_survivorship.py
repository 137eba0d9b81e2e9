"""Which report each field of an overdose is taken from."""

from collections.abc import Callable

import pytest

from spikewatch.contracts.identifiers import incident_id
from spikewatch.contracts.incident import MOST_DEFINITIONS, Incident, IncidentChange
from spikewatch.contracts.report import Drug, LocatedReport, QualityNote, Reversal, Victims
from spikewatch.contracts.vocabulary import AgeBand, Disposition, DrugClass, Outcome, PlacePrecision, Sex, SourceType, TimePrecision, YesNo
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


def test_an_incident_begins_by_the_hour_of_whom_an_hour_is_known(located: Build) -> None:
    crew = located("1", "cedar-ems", minutes=5, cad_number="26-1")
    dated = located("2", "cedar-me", source_type=S.ME, minutes=-720, cad_number="26-1", occurred_at_precision=TimePrecision.DATE)
    # Two people of one call, of one of whom nobody but the medical examiner tells, by the day.
    assert merged((crew,), (dated,)).occurred_at == crew.report.occurred_at
    assert merged(dated).occurred_at == dated.report.occurred_at


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


def test_a_drug_that_is_known_is_not_replaced_by_one_that_is_not(located: Build) -> None:
    ems = located("1", "cedar-ems", drugs=(Drug(term="fentanyl", drug_class=DrugClass.FENTANYL),))
    department = located("2", "cedar-hospital", source_type=S.ED, minutes=40, drugs=(Drug(term="unknown"),), location={})
    told = merged(ems, department).overdoses[0]
    assert [drug.term for drug in told.drugs] == ["fentanyl"]
    assert origins(merged(ems, department), ems, department)["drugs"] == (0, [])
    assert [drug.term for drug in merged(department).overdoses[0].drugs] == ["unknown"]


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


def origins(told: Incident, *reports: LocatedReport) -> dict[str, tuple[int, list[int]]]:
    """Return by field the number of the report it is from and of those that differ, numbered from 0 as they are given."""
    number = {one.report.report_key: index for index, one in enumerate(reports)}
    found = (*told.provenance, *(origin for overdose in told.overdoses for origin in overdose.provenance))
    return {one.field: (number[one.report_key], sorted(number[key] for key in one.differing)) for one in found}


def test_every_field_that_is_stated_says_where_it_is_from_and_who_says_otherwise(located: Build) -> None:
    call = located("1", "cedar-911", source_type=S.CAD, age=60, location={"county_fips": "99001"})
    given = Reversal(given=YesNo.YES)
    ems = located("2", minutes=5, age=34, sex=Sex.MALE, reversal=given, outcome=Outcome.NONFATAL, count=2)
    heroin = (Drug(term="heroin", drug_class=DrugClass.HEROIN),)
    department = located("3", "cedar-hospital", source_type=S.ED, minutes=40, age=36, sex=Sex.FEMALE, drugs=heroin, location={})
    examiner = located("4", "cedar-me", source_type=S.ME, minutes=90, outcome=Outcome.FATAL, sex=Sex.MALE, location={})
    told = merged(call, ems, department, examiner)
    assert origins(told, call, ems, department, examiner) == {
        "position": (1, []),
        "occurred_at": (0, []),
        "outcome": (3, [1]),
        "drugs": (2, []),
        "reversal": (1, []),
        "victims.count": (1, []),
        "victims.age": (2, [0, 1]),
        "victims.sex": (3, [2]),
    }
    assert {note.field for note in told.overdoses[0].quality if note.code == "sources_differ"} == {"outcome", "victims.age", "victims.sex"}
    assert Incident.model_validate_json(told.to_json()) == told


def test_of_a_single_report_there_is_nothing_to_say_where_it_is_from(located: Build) -> None:
    told = merged(located("1", age=34))
    assert (told.provenance, told.overdoses[0].provenance, told.overdoses[0].quality) == ((), (), ())


def test_an_age_is_contradicted_beyond_a_birthday_and_by_an_estimate_beyond_ten_years(located: Build) -> None:
    ems = located("1", age=34)
    for years, differing in ((35, []), (36, [0])):
        department = located("2", "cedar-hospital", source_type=S.ED, minutes=1, age=years)
        assert origins(merged(department, ems), ems, department)["victims.age"] == (1, differing)
    for years, differing in ((44, []), (45, [1])):
        call = located("2", "cedar-911", source_type=S.CAD, minutes=1, age=years)
        assert origins(merged(ems, call), ems, call)["victims.age"] == (0, differing)


def test_an_age_and_a_band_that_does_not_hold_it_are_never_published_together(located: Build) -> None:
    examiner = located("1", "cedar-me", source_type=S.ME, victims=Victims(age_band=AgeBand.A90_PLUS))
    ems = located("2", minutes=1, age=45)
    told = merged(examiner, ems)
    assert (told.overdoses[0].victims.age, told.overdoses[0].victims.age_band) == (None, AgeBand.A90_PLUS)
    assert origins(told, examiner, ems)["victims.age_band"] == (0, [1])
    banded = located("3", "cedar-me", source_type=S.ME, victims=Victims(age_band=AgeBand.A40_49))
    both = merged(banded, ems)
    assert (both.overdoses[0].victims.age, both.overdoses[0].victims.age_band) == (45, AgeBand.A40_49)
    assert origins(both, banded, ems)["victims.age"] == (1, [])


@pytest.mark.parametrize(
    ("named", "differing"),
    [(DrugClass.FENTANYL, []), (DrugClass.OPIOID, []), (DrugClass.COCAINE, [1]), (DrugClass.UNKNOWN, [])],
)
def test_drugs_contradict_one_another_by_family(located: Build, named: DrugClass, differing: list[int]) -> None:
    ems = located("1", drugs=(Drug(term="heroin", drug_class=DrugClass.HEROIN),))
    fire = located("2", "cedar-fire", source_type=S.FIRE, minutes=1, drugs=(Drug(term="other", drug_class=named),))
    assert origins(merged(ems, fire), ems, fire)["drugs"] == (0, differing)


@pytest.mark.parametrize(("source", "lat", "differing"), [(S.POLICE, 40.505, []), (S.POLICE, 40.53, [1]), (S.ED, 40.53, [])])
def test_a_scene_beyond_a_kilometre_contradicts_the_place_but_no_hospital_does(
    located: Build, source: SourceType, lat: float, differing: list[int]
) -> None:
    ems = located("1", location={"lat": 40.5, "lon": -79.5, "precision": PlacePrecision.POINT})
    other = located("2", "cedar-2", source_type=source, minutes=1, location={"lat": lat, "lon": -79.5, "precision": PlacePrecision.POINT})
    assert origins(merged(ems, other), ems, other)["position"] == (0, differing)


def test_who_tells_a_death_does_not_contradict_it(located: Build) -> None:
    # Brought back at first, dead in the end: its disposition says so, and so does the medical examiner, who never writes an outcome.
    crew = located("1", minutes=5, outcome=Outcome.NONFATAL, disposition=Disposition.DIED_ON_SCENE)
    examiner = located("2", "cedar-me", source_type=S.ME, minutes=60)
    police = located("3", "cedar-police", source_type=S.POLICE, minutes=9, outcome=Outcome.NONFATAL)
    assert origins(merged(crew, examiner, police), crew, examiner, police)["outcome"] == (0, [2])
    told = merged(crew, examiner)
    assert origins(told, crew, examiner)["outcome"] == (0, [])
    assert told.overdoses[0].quality == ()


def test_a_denial_contradicts_a_reversal_that_was_given(located: Build) -> None:
    ems = located("1", reversal=Reversal(given=YesNo.YES, doses=1))
    call = located("2", "cedar-911", source_type=S.CAD, minutes=1, reversal=Reversal(given=YesNo.NO))
    assert origins(merged(ems, call), ems, call)["reversal"] == (0, [1])
    silent = located("3", minutes=2)
    assert origins(merged(call, silent), call, silent)["reversal"] == (0, [])


def test_case_definitions_are_those_that_any_report_meets(located: Build) -> None:
    def meeting(number: str, agency: str, *names: str, **stated: object) -> LocatedReport:
        one = located(number, agency, **stated)
        return one.changed(report=one.report.changed(case_definition_hits=names))

    call = meeting("1", "cedar-911", "title-overdose@1", "suspected-overdose@2", source_type=S.CAD)
    ems = meeting("2", "cedar-ems", "suspected-overdose@2", "opioid@1", minutes=2)
    (overdose,) = merged(call, ems).overdoses
    assert overdose.case_definition_hits == ("opioid@1", "suspected-overdose@2", "title-overdose@1")
    assert merged(located("1")).overdoses[0].case_definition_hits == ()
    alone, beside = merged((call,), (ems,)).overdoses
    assert {alone.case_definition_hits, beside.case_definition_hits} == {
        ("suspected-overdose@2", "title-overdose@1"),
        ("opioid@1", "suspected-overdose@2"),
    }
    many = meeting("1", "cedar-911", *(f"own-{number:03d}@1" for number in reversed(range(MOST_DEFINITIONS + 1))))
    (overdose,) = Incident.model_validate_json(merged(many).to_json()).overdoses
    assert overdose.case_definition_hits == tuple(f"own-{number:03d}@1" for number in range(MOST_DEFINITIONS))
    assert QualityNote(field="case_definition_hits", code="more_definitions_met") in overdose.quality, "what was cut is told"
