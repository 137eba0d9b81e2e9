"""The checker sees each kind of breaking change, and lets the two harmless ones pass."""

import copy

import pytest
from pydantic import BaseModel, Field

from spikewatch.contracts.compatibility import Change, breaches
from spikewatch.contracts.schemas import models, schema


class Inner(BaseModel):
    radius: float = Field(ge=0, le=100, description="Metres.")


class Message(BaseModel):
    name: str = Field(max_length=128)
    inner: Inner
    several: tuple[Inner, ...] = ()
    colour: str = Field(default="red", json_schema_extra={"enum": ["red", "green"]})
    shape: str = Field(default="round", json_schema_extra={"enum": ["round", "other"]})
    age: int | None = Field(default=None, ge=0, le=89)
    at: str | None = Field(default=None, json_schema_extra={"format": "date-time"})
    weights: dict[str, float] = {}


BASE = schema(Message)


def changed(change):
    newer = copy.deepcopy(BASE)
    change(newer)
    return [(breach.path, breach.change) for breach in breaches(BASE, newer)]


def fields(node):
    return node["properties"]


def inner(node):
    return node["$defs"]["Inner"]


CASES = {
    "removed field": (lambda node: fields(node).pop("age"), "age", Change.REMOVED_FIELD),
    "removed nested field": (lambda node: inner(node)["properties"].pop("radius"), "inner.radius", Change.REMOVED_FIELD),
    "existing field newly required": (lambda node: node["required"].append("age"), "age", Change.NEWLY_REQUIRED),
    "new required field": (
        lambda node: (fields(node).update(new={"type": "string"}), node["required"].append("new")),
        "new",
        Change.NEWLY_REQUIRED,
    ),
    "no longer required": (lambda node: node["required"].remove("name"), "name", Change.NO_LONGER_REQUIRED),
    "value taken out": (lambda node: fields(node)["colour"]["enum"].remove("green"), "colour", Change.NARROWED_VALUES),
    "value added that no older reader can take for another": (
        lambda node: fields(node)["colour"]["enum"].append("blue"),
        "colour",
        Change.WIDENED_VALUES,
    ),
    "list of values added": (lambda node: fields(node)["name"].update(enum=["a"]), "name", Change.NARROWED_VALUES),
    "constant added": (lambda node: fields(node)["name"].update(const="a"), "name", Change.NARROWED_VALUES),
    "type changed": (lambda node: fields(node)["name"].update(type="integer"), "name", Change.NARROWED_TYPE),
    "null taken out": (lambda node: fields(node)["age"]["anyOf"].pop(), "age", Change.NARROWED_TYPE),
    "type added": (lambda node: fields(node)["age"]["anyOf"].append({"type": "string"}), "age", Change.WIDENED_TYPE),
    "maximum lowered": (lambda node: fields(node)["age"]["anyOf"][0].update(maximum=79), "age", Change.NARROWED_LIMIT),
    "minimum raised": (lambda node: fields(node)["age"]["anyOf"][0].update(minimum=1), "age", Change.NARROWED_LIMIT),
    "limit added": (lambda node: fields(node)["name"].update(minLength=1), "name", Change.NARROWED_LIMIT),
    "limit within a list": (lambda node: fields(node)["several"].update(maxItems=3), "several", Change.NARROWED_LIMIT),
    "maximum raised": (lambda node: fields(node)["name"].update(maxLength=256), "name", Change.WIDENED_LIMIT),
    "limit taken away": (lambda node: fields(node)["name"].pop("maxLength"), "name", Change.WIDENED_LIMIT),
    "unit changed": (lambda node: inner(node)["properties"]["radius"].update(description="Feet."), "inner.radius", Change.CHANGED_MEANING),
    "default changed": (lambda node: fields(node)["colour"].update(default="green"), "colour", Change.CHANGED_MEANING),
    "pattern added": (lambda node: fields(node)["name"].update(pattern="^a"), "name", Change.CHANGED_MEANING),
    "value type of a map": (
        lambda node: fields(node)["weights"]["additionalProperties"].update(type="string"),
        "weights{}",
        Change.NARROWED_TYPE,
    ),
}


@pytest.mark.parametrize(("change", "path", "kind"), CASES.values(), ids=CASES.keys())
def test_a_breaking_change_is_named(change, path, kind):
    assert (path, kind) in changed(change)


def test_every_kind_of_change_has_a_case():
    assert {kind for _, _, kind in CASES.values()} == set(Change)


def test_a_format_change_breaks():
    assert changed(lambda node: fields(node)["at"].update(format="date")) == [("at", Change.CHANGED_MEANING)]


@pytest.mark.parametrize(
    "change",
    [
        lambda node: fields(node).update(new={"type": "string"}),
        lambda node: fields(node)["shape"]["enum"].append("square"),
        lambda node: fields(node)["name"].update(description="Words where none stood."),
        lambda node: fields(node)["name"].update(title="Other"),
        lambda node: node["$defs"].update(Unused={"type": "object"}),
    ],
    ids=["new optional field", "new value", "words added", "title", "unused definition"],
)
def test_a_harmless_change_passes(change):
    assert changed(change) == []


def test_a_definition_may_be_renamed_when_it_stays_the_same():
    def rename(node):
        node["$defs"]["Other"] = node["$defs"].pop("Inner")
        fields(node)["inner"]["$ref"] = fields(node)["several"]["items"]["$ref"] = "#/$defs/Other"

    assert changed(rename) == []


@pytest.mark.parametrize("model", models().values(), ids=lambda model: model.__name__)
def test_a_model_does_not_break_itself(model):
    assert breaches(schema(model), schema(model)) == ()
