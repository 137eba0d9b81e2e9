"""Incidents and overdoses of a set of reports."""

from collections.abc import Callable, Sequence

from spikewatch.contracts.report import LocatedReport
from spikewatch.contracts.vocabulary import PlacePrecision, Sex
from spikewatch.enrichment.domain.candidate import Candidate, Extract
from spikewatch.enrichment.domain.links import Link
from spikewatch.enrichment.domain.match import MatchedIncident, match

Build = Callable[..., LocatedReport]


def matched(*reports: LocatedReport) -> tuple[MatchedIncident, ...]:
    return match([Candidate.of(Extract.of(one)) for one in reports])


def records(incident: MatchedIncident, reports: Sequence[LocatedReport]) -> list[list[str]]:
    names = {one.report.report_key: one.report.source_record_id for one in reports}
    return [[names[report.key] for report in overdose.reports] for overdose in incident.overdoses]


def test_three_agencies_about_one_person_are_one_overdose(located: Build) -> None:
    reports = [
        located("call", "cedar-911"),
        located("run", "cedar-ems", minutes=8, age=30),
        located("case", "cedar-police", minutes=26, age=33),
    ]
    (only,) = matched(*reports)
    assert records(only, reports) == [["call", "run", "case"]]
    assert only.overdoses[0].weakest is Link.PLACE


def test_two_reports_of_one_agency_are_two_overdoses_of_one_incident(located: Build) -> None:
    reports = [located("1", minutes=0), located("2", minutes=3)]
    (only,) = matched(*reports)
    assert records(only, reports) == [["1"], ["2"]]


def test_a_conflict_of_sex_or_age_is_another_overdose(located: Build) -> None:
    reports = [
        located("1", "cedar-ems", sex=Sex.MALE, age=30),
        located("2", "cedar-police", minutes=1, sex=Sex.FEMALE),
        located("3", "cedar-911", minutes=2, sex=Sex.MALE, age=36),
    ]
    (only,) = matched(*reports)
    assert records(only, reports) == [["1"], ["2"], ["3"]]


def test_an_equal_number_is_preferred_to_the_order_of_overdoses(located: Build) -> None:
    reports = [
        located("1", "cedar-ems", cad_number="26-001"),
        located("2", "cedar-ems", minutes=1, cad_number="26-002"),
        located("3", "cedar-911", minutes=2, cad_number="26-002"),
    ]
    (only,) = matched(*reports)
    assert records(only, reports) == [["1"], ["2", "3"]]
    assert [overdose.weakest for overdose in only.overdoses] == [None, Link.NUMBER]


def test_a_chain_at_a_busy_corner_is_cut_an_hour_after_the_founding_report(located: Build) -> None:
    reports = [located(str(step), minutes=step * 25) for step in range(8)]
    assert [len(incident.members) for incident in matched(*reports)] == [3, 3, 2]


def test_a_number_reaches_beyond_the_hour(located: Build) -> None:
    first, last = located("1", "cedar-911", cad_number="26-001"), located("2", "cedar-ems", minutes=500, cad_number="26-001", location={})
    elsewhere = located("3", "cedar-ems", minutes=500, location={"lat": 40.7, "lon": -79.5, "precision": PlacePrecision.POINT})
    assert len(matched(first, elsewhere)) == 2
    assert len(matched(first, located("2", "cedar-ems", minutes=500, cad_number="26-001", location={"county_fips": "99001"}))) == 1
    assert len(matched(first, last)) == 2  # without any place the place key differs, and only reports of one place key are matched
