"""What every message model promises: frozen, in UTC, open to unknown fields, written without absent ones."""

import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from spikewatch.contracts import schemas
from spikewatch.contracts.contract import Contract, Interval, area_kind
from spikewatch.contracts.contribution import contribution_key, split_contribution_key
from spikewatch.contracts.report import Drug, Location, Report


def every_contract(base: type[Contract] = Contract) -> list[type[Contract]]:
    found = [model for direct in base.__subclasses__() for model in (direct, *every_contract(direct))]
    return [model for model in found if model.__module__.startswith("spikewatch.contracts.")]  # services have models of their own


@pytest.mark.parametrize("model", every_contract(), ids=lambda model: model.__name__)
def test_every_model_is_frozen_and_ignores_unknown_fields(model):
    assert model.model_config["frozen"] is True
    assert model.model_config["extra"] == "ignore"
    assert model.model_config["allow_inf_nan"] is False


@pytest.mark.parametrize("model", every_contract(), ids=lambda model: model.__name__)
def test_no_model_holds_a_field_that_could_name_a_person(model):
    forbidden = {"first_name", "last_name", "patient", "patient_name", "date_of_birth", "dob", "ssn", "mrn", "narrative"}
    assert not forbidden & model.model_fields.keys()


def test_a_message_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Drug(term="fentanyl").term = "other"  # type: ignore[misc]  # that is what is tested


@given(st.builds(datetime.fromtimestamp, st.integers(0, 7_000_000_000), st.just(timezone(timedelta(hours=-7)))))
def test_instants_are_held_and_written_in_utc(moment):
    interval = Interval(start=moment, end=moment)
    assert interval.start == moment
    assert interval.start.tzinfo is UTC
    assert json.loads(interval.to_json())["start"].endswith("Z")
    assert Interval.model_validate_json(interval.to_json()) == interval


def test_a_naive_instant_is_refused():
    with pytest.raises(ValidationError, match="timezone"):
        Interval.model_validate({"start": "2026-05-01T14:03:00", "end": "2026-05-01T14:03:00Z"})


def test_absent_fields_are_not_written():
    assert json.loads(Location(zip5="00000").to_json()) == {"precision": "none", "zip5": "00000"}


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_numbers_are_finite(value):
    with pytest.raises(ValidationError):
        Location.model_validate_json(f'{{"lat": {value}}}')


@pytest.mark.parametrize("area", ["county:99001", "zip:00000", "h3:872a1072bffffff", "district:cedar-4", "custom_polygon:a.b_c"])
def test_an_area_has_a_kind_and_a_code(area):
    assert area_kind(area) == area.split(":")[0]


MALFORMED_AREAS = ["Cedar County", "county:", ":99001", "county:990 01", "COUNTY:99001", "county:" + "9" * 200, "county:99001\n"]


@pytest.mark.parametrize("area", MALFORMED_AREAS)
def test_a_malformed_area_is_refused(area):
    model = schemas.models()["Contribution"]
    with pytest.raises(ValidationError) as caught:
        model.model_validate({"area": area})
    assert ("area",) in {problem["loc"] for problem in caught.value.errors()}


@pytest.mark.parametrize("agency", ["Cedar", "-cedar", "cedar-", "cedar_county", "", "c" * 64, "cedar/../oak"])
def test_a_malformed_agency_id_is_refused(agency):
    with pytest.raises(ValidationError) as caught:
        Report.model_validate({"source_agency_id": agency})
    assert ("source_agency_id",) in {problem["loc"] for problem in caught.value.errors()}


@given(st.uuids())
def test_a_contribution_key_comes_apart_again(incident):
    assert split_contribution_key(contribution_key("county:99001", incident)) == ("county:99001", incident)


@pytest.mark.parametrize("key", ["", "county:99001", "county:99001|", "|x"])
def test_a_malformed_contribution_key_is_refused(key):
    with pytest.raises(ValueError):
        split_contribution_key(key)


def test_a_contribution_key_splits_at_its_last_bar():
    assert split_contribution_key(f"a|b|{UUID(int=1)}") == ("a|b", UUID(int=1))
