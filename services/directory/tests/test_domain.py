"""The pure parts: names, filters, tokens, records, and that both wire forms have the same fields."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from spikewatch.contracts.directory import ContactRole
from spikewatch.directory.domain import pages, records
from spikewatch.directory.domain.filters import Term, parse_filter
from spikewatch.directory.domain.names import Kind, child, parent_prefix, parse
from spikewatch.directory.domain.refusals import InvalidFields
from spikewatch.directory.settings import DirectorySettings
from spikewatch.directory.wire import MESSAGES, draft_from, to_message

NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize("kind", list(Kind))
def test_messages_and_records_have_the_same_fields(kind: Kind) -> None:
    assert [field.name for field in MESSAGES[kind].DESCRIPTOR.fields] != []
    assert {field.name for field in MESSAGES[kind].DESCRIPTOR.fields} == set(records.MODELS[kind].model_fields) - {"kind"}


def test_enumerations_have_the_same_words_on_both_sides() -> None:
    for kind, model in records.MODELS.items():
        for field in MESSAGES[kind].DESCRIPTOR.fields:
            if field.enum_type is not None:
                words: Any = model.model_fields[field.name].annotation
                prefix = field.enum_type.values_by_number[0].name.removesuffix("UNSPECIFIED")
                there = {value.name.removeprefix(prefix) for value in field.enum_type.values if value.number}
                assert there == {word.upper().replace(" ", "_") for word in words}


def test_the_longest_names_fit_the_contract() -> None:
    name = child(Kind.SERVICE, f"providers/{'p' * 63}", "s" * 45)
    assert len(name.text) <= 128
    assert parse(Kind.SERVICE, name.text) == name
    with pytest.raises(InvalidFields):
        child(Kind.SERVICE, "providers/p", "s" * 46)


@pytest.mark.parametrize("resource_id", ["", "-", "-a", "a-", "A", "a/b", "a b", "ä", "a" * 64, "a\n"])
def test_a_bad_id_is_refused(resource_id: str) -> None:
    with pytest.raises(InvalidFields):
        child(Kind.AGENCY, "", resource_id)


def test_a_parent_or_any_parent_gives_a_prefix() -> None:
    assert parent_prefix(Kind.CONTACT, "providers/-") == "providers/"
    assert parent_prefix(Kind.CONTACT, "agencies/a") == "agencies/a/contacts/"
    assert parent_prefix(Kind.AGENCY, "") == "agencies/"
    with pytest.raises(InvalidFields):
        parent_prefix(Kind.SERVICE, "agencies/-")


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", ()),
        ('role = "duty_desk"', (Term("role", "duty_desk"),)),
        ('role=duty_desk AND areas:"zip:19401"', (Term("role", "duty_desk"), Term("areas", "zip:19401"))),
        ('display_name = "One AND two"', (Term("display_name", "One AND two"),)),
    ],
)
def test_a_filter_is_read(text: str, terms: tuple[Term, ...]) -> None:
    assert parse_filter(Kind.CONTACT, text) == terms


@pytest.mark.parametrize(
    "text", ["role", "role = ", 'role = "x" OR role = "y"', "email = x", 'areas = "zip:1"', 'role="x" AND', "x" * 600, "$where:1"]
)
def test_a_filter_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidFields):
        parse_filter(Kind.CONTACT, text)


@given(st.text())
def test_any_filter_is_read_or_refused(text: str) -> None:
    try:
        terms = parse_filter(Kind.CONTACT, text)
    except InvalidFields:
        return
    assert all(term.field in {"display_name", "role", "areas"} for term in terms)


@given(st.text(), st.text(max_size=20))
def test_a_token_belongs_to_its_query(after: str, query: str) -> None:
    token = pages.write_token(after, "agency", query)
    assert pages.read_token(token, "agency", query) == after
    with pytest.raises(InvalidFields):
        pages.read_token(token, "provider", query)


@given(st.text(min_size=1))
def test_a_foreign_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidFields):
        pages.read_token(token, "agency")


@pytest.mark.parametrize(
    ("fields", "at_fault"),
    [
        ({"lat": 40.0}, "service.lon"),
        ({"lat": 91.0, "lon": 0.0}, "service.lat"),
        ({"lat": float("nan"), "lon": 0.0}, "service.lat"),
        ({"assured_date": "1 May"}, "service.assured_date"),
        ({"categories": ("x",) * 1_001}, "service.categories"),
        ({"display_name": "  "}, "service.display_name"),
    ],
)
def test_a_bad_service_names_the_field(fields: dict[str, Any], at_fault: str) -> None:
    with pytest.raises(InvalidFields) as caught:
        records.build(parse(Kind.SERVICE, "providers/p/services/s"), {"display_name": "x"} | fields, version=1, now=NOW)
    assert [problem.field for problem in caught.value.problems] == [at_fault]


def test_a_record_survives_both_ways() -> None:
    draft = {"display_name": "Desk", "organization": "Health", "role": ContactRole.OUTREACH, "phone": "+1-555-0100", "areas": ("zip:1",)}
    record = records.build(parse(Kind.CONTACT, "providers/p/contacts/c"), draft, version=3, now=NOW)
    assert draft_from(Kind.CONTACT, to_message(record)) == records.draft_of(record) == draft


def test_a_port_beyond_this_machine_needs_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPIKEWATCH_KAFKA_BOOTSTRAP", "x:1")
    monkeypatch.setenv("SPIKEWATCH_MONGODB_URI", "mongodb://x")
    monkeypatch.setenv("SPIKEWATCH_DIRECTORY_HOST", "0.0.0.0")  # noqa: S104  # the case in question
    monkeypatch.delenv("SPIKEWATCH_DIRECTORY_TOKEN", raising=False)
    with pytest.raises(ValidationError, match="SPIKEWATCH_DIRECTORY_TOKEN"):
        DirectorySettings()
    monkeypatch.setenv("SPIKEWATCH_DIRECTORY_TOKEN", "x")
    assert DirectorySettings().directory_port == 0
