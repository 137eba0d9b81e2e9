"""Rules in the directory: one record a rule, whose version goes up only."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from spikewatch.contracts.directory import RuleRecord
from spikewatch.directory.domain.names import Kind
from spikewatch.directory.domain.refusals import InvalidFields, NotFound, SpentRuleVersion, TakenName
from spikewatch.directory.service import Directory
from spikewatch.directory.testing import InMemoryRecordStore
from spikewatch.directory.wire import message_from, record_from, to_message

NAME = "rules/cedar-24h"


@pytest.fixture
def kept() -> InMemoryRecordStore:
    return InMemoryRecordStore()


@pytest.fixture
def directory(kept: InMemoryRecordStore) -> Directory:
    return Directory(kept, clock=lambda: datetime(2026, 5, 1, tzinfo=UTC), wake=lambda: None)


def draft(version: int = 1, **fields: Any) -> dict[str, Any]:
    document = {"id": "cedar-24h", "version": version, "kind": "fixed_count"} | fields
    return {"display_name": "Five in a day", "rule_version": version, "document": json.dumps(document)}


async def put(directory: Directory, version: int = 1, **fields: Any) -> RuleRecord:
    made = await directory.update(Kind.RULE, name=NAME, etag="", draft=draft(version, **fields), mask=("*",), allow_missing=True)
    assert isinstance(made, RuleRecord)
    return made


async def test_a_higher_version_replaces_and_each_change_waits_to_be_published(directory: Directory, kept: InMemoryRecordStore) -> None:
    await put(directory)
    made = await put(directory, 2, minimum_count=4)
    assert (made.name, made.version, made.rule_version) == (NAME, 2, 2)
    assert await directory.get(Kind.RULE, NAME) == made
    assert [record.name for record in (await directory.page(Kind.RULE)).records] == [NAME]
    await directory.delete(Kind.RULE, name=NAME)
    assert [(change.name, change.version, change.record is None) for change in await kept.waiting(9)] == [
        (NAME, 1, False),
        (NAME, 2, False),
        (NAME, 3, True),
    ]


async def test_what_decides_never_changes_under_a_version(directory: Directory) -> None:
    await put(directory, 2, enabled=True)
    with pytest.raises(SpentRuleVersion):
        await put(directory, 2, minimum_count=4)
    with pytest.raises(SpentRuleVersion):
        await put(directory, 1, enabled=True)
    off = await put(directory, 2, enabled=False, description="other words", source="a report")
    assert (off.version, json.loads(off.document)["enabled"]) == (2, False)


async def test_the_same_content_in_another_order_is_the_same_rule(directory: Directory) -> None:
    made = await put(directory, window_hours=24, minimum_count=2)
    again = await put(directory, minimum_count=2, window_hours=24)
    assert (again.rule_version, made.version) == (1, 1)


async def test_a_deleted_rule_comes_back_as_it_was_or_as_a_higher_version(directory: Directory) -> None:
    await put(directory, 2)
    for _ in range(2):
        await directory.delete(Kind.RULE, name=NAME)
        for version, fields in ((2, {"minimum_count": 4}), (1, {})):
            with pytest.raises(SpentRuleVersion):
                await put(directory, version, **fields)
        await put(directory, 2)
    await directory.delete(Kind.RULE, name=NAME)
    assert (await directory.create(Kind.RULE, resource_id="cedar-24h", draft=draft(3, minimum_count=4))).version == 7


async def test_a_taken_name_is_not_created_and_a_missing_one_not_changed(directory: Directory) -> None:
    with pytest.raises(NotFound):
        await directory.update(Kind.RULE, name=NAME, etag="", draft=draft(), mask=("*",))
    await put(directory)
    with pytest.raises(TakenName):
        await directory.create(Kind.RULE, resource_id="cedar-24h", draft=draft(2))


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"document": "[]"}, "rule.document"),
        ({"document": "id: cedar-24h"}, "rule.document"),
        ({"document": '{"id": "cedar-24h", "version": 1, "window_hours": NaN}'}, "rule.document"),
        ({"document": "[" * 60_000}, "rule.document"),
        ({"document": " " * 65_537}, "rule.document"),
        ({"document": '{"id": "other", "version": 1}'}, "rule.document"),
        ({"document": '{"id": "cedar-24h", "version": true}'}, "rule.rule_version"),
        ({"rule_version": 2}, "rule.rule_version"),
        ({"rule_version": 0}, "rule.rule_version"),
        ({"display_name": " "}, "rule.display_name"),
    ],
)
async def test_what_is_not_right_is_told_by_field(directory: Directory, changed: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidFields) as caught:
        await directory.create(Kind.RULE, resource_id="cedar-24h", draft=draft() | changed)
    assert field in {problem.field for problem in caught.value.problems}


async def test_a_rule_survives_the_wire(directory: Directory) -> None:
    made = await put(directory)
    assert record_from(Kind.RULE, to_message(made)) == made
    fields = draft() | {"name": made.name}
    assert message_from(Kind.RULE, fields).document == made.document
