"""The committed examples are the contract's memory: what was valid once stays readable, what was refused stays refused."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from spikewatch.contracts.schemas import schema
from spikewatch.contracts.topics import ALL

ROOT = Path(__file__).resolve().parents[1] / "examples"
TOPICS = {topic.name: topic for topic in ALL}
VALID = sorted(ROOT.glob("*/v*/*.json"))
INVALID = sorted(ROOT.glob("*/v*/invalid/*.json"))
# Only a reader of times sees this one: JSON Schema takes date-time for an annotation.
INVALID_BY_SCHEMA = [path for path in INVALID if path.stem != "naive-time"]
# A string that only a real record could hold; the examples live in fictional county 99001 on reserved names.
ALLOWED_HOSTS = (".example",)


def topic_of(path: Path):
    return TOPICS[path.relative_to(ROOT).parts[0]]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT).with_suffix(""))


each_valid = pytest.mark.parametrize("path", VALID, ids=name_of)
each_invalid = pytest.mark.parametrize("path", INVALID, ids=name_of)


def with_unknown_fields(value):
    if isinstance(value, dict):
        # parameters of a rule is an open map: a stranger there is content, not an unknown field.
        return {key: part if key == "parameters" else with_unknown_fields(part) for key, part in value.items()} | {
            "added_later": {"nested": [1, None]}
        }
    return [with_unknown_fields(part) for part in value] if isinstance(value, list) else value


def strings(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for part in value for text in strings(part)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("topic", [topic for topic in ALL if topic.model], ids=lambda topic: topic.name)
def test_every_topic_has_valid_and_invalid_examples(topic):
    assert any(topic_of(path) is topic for path in VALID)
    assert any(topic_of(path) is topic for path in INVALID)


def still_says(before: object, after: object) -> bool:
    if isinstance(before, dict) and isinstance(after, dict):
        return all(name in after and still_says(value, after[name]) for name, value in before.items())
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(still_says, before, after))
    return before == after


@each_valid
def test_backward_every_example_ever_committed_parses_and_is_written_the_same(path):
    model = topic_of(path).model
    parsed = model.model_validate_json(path.read_bytes())
    again = model.model_validate_json(parsed.to_json())
    assert again == parsed
    written = json.loads(parsed.to_json())
    assert still_says(json.loads(path.read_bytes()), written)


@each_valid
def test_forward_an_example_of_a_newer_writer_parses_to_the_same(path):
    model = topic_of(path).model
    value = json.loads(path.read_bytes())
    assert model.model_validate(with_unknown_fields(value)) == model.model_validate(value)


@each_valid
def test_an_example_satisfies_the_exported_schema(path):
    Draft202012Validator(schema(topic_of(path).model)).validate(json.loads(path.read_bytes()))


@each_invalid
def test_an_invalid_example_is_refused_for_its_reason(path):
    case = json.loads(path.read_bytes())
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(topic_of(path).model).validate_json(json.dumps(case["value"]))
    places = {".".join(map(str, problem["loc"])) for problem in caught.value.errors()}
    assert case["problem"]
    assert case["field"] in places


@pytest.mark.parametrize("path", INVALID_BY_SCHEMA, ids=name_of)
def test_the_exported_schema_refuses_an_invalid_example(path):
    case = json.loads(path.read_bytes())
    assert not Draft202012Validator(schema(topic_of(path).model)).is_valid(case["value"])


@pytest.mark.parametrize("path", [*VALID, *INVALID], ids=name_of)
def test_examples_are_fictional(path):
    content = json.loads(path.read_bytes())
    for text in strings(content):
        if "@" in text and not text.startswith("example-"):
            assert text.endswith(ALLOWED_HOSTS)
        if text.startswith("http"):
            assert text.endswith(ALLOWED_HOSTS)
        if text.startswith("+1"):
            assert text.startswith("+1-555-01")
    for county in [text for text in strings(content) if text.startswith("county:")]:
        assert county == "county:99001"
