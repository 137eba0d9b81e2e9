"""A reader that is older than the writer: words it does not know, in every place of every committed example that has a closed list."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from spikewatch.contracts.reading import catch_all, read_json
from spikewatch.contracts.schemas import schema
from spikewatch.contracts.topics import ALL

ROOT = Path(__file__).resolve().parents[1] / "examples"
TOPICS = {topic.name: topic for topic in ALL}
NEWER = "word-of-a-newer-writer"


def lists(document: Any, node: Any, message: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], list[Any]]]:
    """Yield where a message has a word of a closed list, with that list; constants are no lists."""
    while "$ref" in node:
        node = document["$defs"][node["$ref"].rpartition("/")[2]]
    branches = node.get("anyOf") or node.get("oneOf") or ()
    if "discriminator" in node:
        kind = message[node["discriminator"]["propertyName"]]
        branches = [{"$ref": node["discriminator"]["mapping"][kind]}]
    for branch in branches:
        yield from lists(document, branch, message, place)
    if "enum" in node and message in node["enum"]:
        yield place, node["enum"]
    if isinstance(message, dict):
        for name, inner in node.get("properties", {}).items():
            if name in message:
                yield from lists(document, inner, message[name], (*place, name))
    if isinstance(message, list) and "items" in node:
        for number, part in enumerate(message):
            yield from lists(document, node["items"], part, (*place, number))


def cases() -> Iterator[Any]:
    for path in sorted(ROOT.glob("*/v*/*.json")):
        topic = TOPICS[path.relative_to(ROOT).parts[0]]
        message = json.loads(path.read_bytes())
        document = schema(topic.model)
        for place, words in dict(lists(document, document, message)).items():
            yield pytest.param(topic, message, place, words, id=f"{topic.name} {path.stem} {'.'.join(map(str, place))}")


CASES = list(cases())


def replaced(message: Any, place: tuple[Any, ...], word: str) -> bytes:
    changed = json.loads(json.dumps(message))
    holder = changed
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = word
    return json.dumps(changed).encode()


@pytest.mark.parametrize(("topic", "message", "place", "words"), CASES)
def test_an_unknown_word_is_taken_for_the_lists_own_or_refused(topic: Any, message: Any, place: tuple[Any, ...], words: list[Any]) -> None:
    adapter = TypeAdapter(topic.model)
    newer = replaced(message, place, NEWER)
    stand_in = catch_all(words)
    if stand_in is None:
        with pytest.raises(ValidationError):
            read_json(adapter, newer)
    else:
        assert read_json(adapter, newer) == adapter.validate_json(replaced(message, place, stand_in))


def test_both_kinds_of_list_are_among_the_examples() -> None:
    assert {catch_all(case.values[3]) is None for case in CASES} == {True, False}
    assert {"sex", "class"} & {case.values[2][-1] for case in CASES}


REPORT = json.loads((ROOT / "overdose.reports.v1/v1/ems.json").read_bytes())
ADAPTER = TypeAdapter(TOPICS["overdose.reports.v1"].model)


def test_several_words_at_once_are_taken() -> None:
    newer = {**REPORT, "outcome": NEWER, "source_type": NEWER, "victims": {"sex": NEWER}}
    found = read_json(ADAPTER, json.dumps(newer).encode())
    assert (found.outcome.value, found.source_type.value, found.victims.sex.value) == ("unknown", "other", "other")


@pytest.mark.parametrize(
    "changes",
    [
        {"outcome": 7},
        {"outcome": ["fatal"]},
        {"outcome": None},
        {"outcome": NEWER, "revision": "first"},
        {"outcome": NEWER, "occurred_at_precision": NEWER},
    ],
)
def test_what_is_wrong_otherwise_is_refused_as_it_came(changes: dict[str, Any]) -> None:
    value = json.dumps({**REPORT, **changes}).encode()
    with pytest.raises(ValidationError) as plain:
        ADAPTER.validate_json(value)
    with pytest.raises(ValidationError) as caught:
        read_json(ADAPTER, value)
    assert caught.value.errors(include_url=False) == plain.value.errors(include_url=False)
