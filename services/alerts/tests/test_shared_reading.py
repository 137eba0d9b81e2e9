"""Contributions are read as their model reads them, whatever was read before."""

import pytest
from pydantic import ValidationError

from spikewatch.alerts.domain.contributed import contributed_of
from spikewatch.alerts.handlers.shared_reading import SharedReading
from spikewatch.contracts.contribution import Contribution


def test_contributions_of_one_incident_differ_in_their_area_and_share_the_rest(make):
    one, other = make.contribution("a", [10, 70]), make.contribution("a", [10, 70], area="zip:19401")
    read = SharedReading()
    first, second = read(one.to_json()), read(other.to_json())
    assert (first, second) == (contributed_of(one), contributed_of(other))
    assert second.told is first.told


def test_a_change_behind_the_area_is_seen(make):
    read = SharedReading()
    read(make.contribution("a", [10]).to_json())
    later = make.contribution("a", [10], revision=2, area="zip:19401")
    assert read(later.to_json()) == contributed_of(later)


@pytest.mark.parametrize("area", ["nowhere", "county:", "county:42091\\n", 'county:42091","area":"zip:1'])
def test_a_known_incident_does_not_make_a_wrong_area_right(make, area):
    read = SharedReading()
    wire = make.contribution("a", [10]).to_json()
    read(wire)
    told = wire.replace(b"county:42091", area.encode(), 1)
    try:
        expected = Contribution.model_validate_json(told)
    except ValidationError:
        with pytest.raises(ValidationError):
            read(told)
    else:
        assert read(told) == contributed_of(expected)


def test_an_area_that_is_named_again_behind_counts_for_that_record_alone(make):
    read = SharedReading()
    wire = make.contribution("a", [10]).to_json()
    twice = wire[:-1] + b',"area":"zip:19401"}'
    for first in (b"county:42091", b"county:42045"):
        assert read(twice.replace(b"county:42091", first, 1)).area == "zip:19401"


def test_other_forms_of_the_same_are_read(make):
    contribution = make.contribution("a", [10])
    assert SharedReading()(contribution.model_dump_json(indent=1).encode()) == contributed_of(contribution)


def test_what_is_remembered_is_bounded(make, monkeypatch):
    monkeypatch.setattr("spikewatch.alerts.handlers.shared_reading._MOST", 2)
    read = SharedReading()
    wires = [make.contribution(number, [10]) for number in range(5)]
    assert [read(one.to_json()) for one in wires] == [contributed_of(one) for one in wires]
    assert len(read._known) <= 2
