"""Whose report is whose: ages that are estimates, and second units of one agency."""

from collections.abc import Callable

import pytest

from spikewatch.contracts.report import LocatedReport, Victims
from spikewatch.contracts.vocabulary import AgeBand, Sex, SourceType
from spikewatch.enrichment.domain.candidate import Candidate, Extract
from spikewatch.enrichment.domain.people import distinguish

Build = Callable[..., LocatedReport]


def sizes(*reports: LocatedReport) -> list[int]:
    return [len(person) for person in distinguish([Candidate.of(Extract.of(one)) for one in reports])]


@pytest.mark.parametrize("estimating", [SourceType.CAD, SourceType.POLICE, SourceType.FIRE])
def test_an_age_estimated_by_dispatch_police_or_fire_may_be_fifteen_years_off(located: Build, estimating: SourceType) -> None:
    crew = located("1", "cedar-ems", age=30)
    assert sizes(crew, located("2", "cedar-other", source_type=estimating, age=45)) == [2]
    assert sizes(located("2", "cedar-other", source_type=estimating, age=45), crew) == [2]
    assert sizes(crew, located("2", "cedar-other", source_type=estimating, age=46)) == [1, 1]


def test_two_ages_that_were_asked_for_are_at_most_five_years_apart(located: Build) -> None:
    crew = located("1", "cedar-ems", age=30)
    assert sizes(crew, located("2", "cedar-hospital", source_type=SourceType.ED, age=35)) == [2]
    assert sizes(crew, located("2", "cedar-hospital", source_type=SourceType.ED, age=36)) == [1, 1]


def test_an_estimate_between_does_not_bridge_two_known_ages(located: Build) -> None:
    call = located("1", "cedar-911", source_type=SourceType.CAD, age=40)
    assert sizes(call, located("2", "cedar-ems", age=30), located("3", "cedar-hospital", source_type=SourceType.ED, age=50)) == [2, 1]


@pytest.mark.parametrize("agency", [SourceType.EMS, SourceType.FIRE])
def test_a_second_unit_that_tells_the_same_age_came_to_the_same_person(located: Build, agency: SourceType) -> None:
    first = located("1", "cedar-rescue", source_type=agency, age=30)
    assert sizes(first, located("2", "cedar-rescue", source_type=agency, age=30, minutes=4)) == [2]
    assert sizes(first, located("2", "cedar-rescue", source_type=agency, age=31, minutes=4)) == [1, 1]
    assert sizes(first, located("2", "cedar-rescue", source_type=agency, minutes=4)) == [1, 1]


def test_two_of_one_age_but_another_sex_are_two_people(located: Build) -> None:
    assert sizes(located("1", age=30, sex=Sex.FEMALE), located("2", age=30, sex=Sex.MALE)) == [1, 1]


def test_two_of_one_band_are_not_taken_for_one_person(located: Build) -> None:
    band = Victims(age_band=AgeBand.A30_39)
    assert sizes(located("1", victims=band), located("2", victims=band)) == [1, 1]


def test_two_cases_of_the_police_with_one_age_stay_two_people(located: Build) -> None:
    police = {"agency": "cedar-police", "source_type": SourceType.POLICE, "age": 30}
    assert sizes(located("1", **police), located("2", **police)) == [1, 1]
