"""Incidents and overdoses of a set of located reports, as the service makes them."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from spikewatch.contracts.identifiers import incident_id
from spikewatch.contracts.report import LocatedReport
from spikewatch.contracts.vocabulary import Disposition, Outcome, PlacePrecision, Sex, SourceType
from spikewatch.enrichment.adapters.matching_weights import NEUTRAL, load_weights
from spikewatch.enrichment.domain.candidate import Candidate
from spikewatch.enrichment.domain.matched import MatchedIncident, matched
from spikewatch.enrichment.domain.matching.decisions import Decisions

Build = Callable[..., LocatedReport]
WEIGHTS = load_weights()
S = SourceType


def incidents(*reports: LocatedReport) -> tuple[MatchedIncident, ...]:
    return matched([Candidate.of(one) for one in reports], WEIGHTS, Decisions())


def records(incident: MatchedIncident, reports: Sequence[LocatedReport]) -> list[list[str]]:
    names = {one.report.report_key: one.report.source_record_id for one in reports}
    return [[names[report.key] for report in overdose.reports] for overdose in incident.overdoses]


def test_the_agencies_of_one_call_tell_of_one_person(located: Build) -> None:
    said = {"age": 40, "sex": Sex.MALE}
    reports = [
        located("call", "cedar-911", source_type=S.CAD, cad_number="26-1001", age=45),
        located("run", "cedar-ems", minutes=8, cad_number="26-1001", destination="MERCY", disposition=Disposition.TRANSPORTED, **said),
        located("case", "cedar-police", source_type=S.POLICE, minutes=20, **said),
        located("visit", "cedar-hospital", source_type=S.ED, minutes=44, destination="MERCY", location={"zip5": "99901"}, **said),
    ]
    (only,) = incidents(*reports)
    assert records(only, reports) == [["call", "run", "case", "visit"]]
    assert only.incident_id == incident_id(reports[0].report.report_key)
    assert only.overdoses[0].confidence > 0.8


def test_two_victims_of_one_call_are_two_overdoses_of_one_incident(located: Build) -> None:
    reports = [
        located("call", "cedar-911", source_type=S.CAD, cad_number="26-1001", sex=Sex.MALE),
        located("one", minutes=8, cad_number="26-1001", age=22, sex=Sex.MALE),
        located("two", minutes=9, cad_number="26-1001", age=57, sex=Sex.FEMALE),
    ]
    (only,) = incidents(*reports)
    assert records(only, reports) == [["call", "one"], ["two"]]


def test_a_second_unit_to_the_same_person_is_no_second_overdose(located: Build) -> None:
    said = {"cad_number": "26-1001", "age": 30, "sex": Sex.FEMALE, "disposition": Disposition.TRANSPORTED}
    reports = [located("medic", **said), located("engine", minutes=3, **said)]
    (only,) = incidents(*reports)
    assert records(only, reports) == [["medic", "engine"]]


def test_a_hospital_that_knows_a_home_elsewhere_is_found_by_its_name(located: Build) -> None:
    said = {"destination": "Mercy", "age": 33, "sex": Sex.FEMALE}
    reports = [
        located("run", minutes=8, disposition=Disposition.TRANSPORTED, **said),
        located("visit", "cedar-hospital", source_type=S.ED, minutes=46, location={}, **said),
    ]
    (only,) = incidents(*reports)
    assert records(only, reports) == [["run", "visit"]]


def test_a_medical_examiners_report_joins_hours_later(located: Build) -> None:
    said = {"age": 61, "sex": Sex.MALE, "outcome": Outcome.FATAL}
    reports = [
        located("run", disposition=Disposition.DIED_ON_SCENE, **said),
        located("case", "cedar-me", source_type=S.ME, minutes=150, **said),
    ]
    (only,) = incidents(*reports)
    assert records(only, reports) == [["run", "case"]]


def test_a_number_reaches_beyond_the_hour_within_its_county_only(located: Build) -> None:
    call = located("1", "cedar-911", source_type=S.CAD, cad_number="26-0001")
    late = {"minutes": 500, "cad_number": "26-0001"}
    assert len(incidents(call, located("2", location={"county_fips": "99001"}, **late))) == 1
    assert len(incidents(call, located("2", location={"county_fips": "99003"}, **late))) == 2
    elsewhere = {"lat": 40.7, "lon": -79.5, "precision": PlacePrecision.POINT}
    assert len(incidents(call, located("2", location=elsewhere, minutes=500))) == 2


def test_a_chain_at_a_busy_corner_is_cut_an_hour_after_the_founding_report(located: Build) -> None:
    reports = [located(str(step), minutes=step * 25, age=20 + 7 * step, sex=(Sex.MALE, Sex.FEMALE)[step % 2]) for step in range(8)]
    assert sorted(len(incident.members) for incident in incidents(*reports)) == [2, 3, 3]


def test_the_digest_tells_revision_placing_weights_and_confidence(located: Build) -> None:
    report = Candidate.of(located("1", age=30))

    def digest(candidate: Candidate = report, **weights: object) -> str:
        (only,) = matched([candidate], replace(WEIGHTS, **weights), Decisions())
        return only.digest

    assert digest() == digest()
    (neutral,) = matched([report], load_weights(NEUTRAL), Decisions())
    others = {
        digest(Candidate.of(located("1", age=30, revision=2))),
        digest(Candidate.of(located("1", age=30).changed(geodata_version=7))),
        digest(version=WEIGHTS.version + 1),
        digest(name="county"),
        neutral.digest,
    }
    assert len(others | {digest()}) == 6


@pytest.mark.parametrize("withdrawn", [False, True])
def test_what_is_kept_of_a_report_gives_the_same_candidate(located: Build, *, withdrawn: bool) -> None:
    place = {"address": "2071 INNES AVE APT 4", "zip5": "99901", "lat": 40.5, "lon": -79.5, "precision": PlacePrecision.POINT}
    one = Candidate.of(located("1", location=place, cad_number="26-1001", destination="MERCY", age=30, revision=3, withdrawn=withdrawn))
    again = Candidate.kept(one.key, (3, 0), one.compared, one.content)
    assert again.record._replace(withdrawn=withdrawn) == one.record
    assert again.extract == one.extract
    assert (again.blocks, again.probes, again.spots) == (one.blocks, one.probes, one.spots)
    assert b"INNES AVE" not in one.compared + one.content
