"""A large batch is written in parts, side by side; nothing is on its way any more when it is told how that went."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from spikewatch.alerts.adapters import compare_and_set
from spikewatch.alerts.adapters.compare_and_set import write_all
from spikewatch.alerts.ports import Overtaken
from spikewatch.chassis.mongo import Bulk, Document, InsertOne, ReplaceOne
from spikewatch.chassis.outcome import Transient


class Slow:
    """A collection whose first writes end last; ``fails`` is the part that fails, ``misses`` the part that meets another writer."""

    name = "slow"

    def __init__(self, *, fails: int | None = None, misses: int | None = None) -> None:
        self.parts: list[Sequence[Any]] = []
        self.ended: list[int] = []
        self._fails, self._misses = fails, misses

    async def bulk(self, writes: Sequence[Any]) -> Bulk:
        number = len(self.parts)
        self.parts.append(writes)
        for _ in range(10 - number):
            await asyncio.sleep(0)
        self.ended.append(number)
        if number == self._fails:
            raise Transient("away")
        return Bulk(0, 0, len(writes) - (number == self._misses), 0)


@pytest.fixture(autouse=True)
def _parts_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare_and_set, "_PART", 2)


def documents(number: int) -> list[tuple[int, Document]]:
    return [(place % 2, {"_id": place}) for place in range(number)]


async def test_every_document_is_written_once_over_what_it_was_made_from() -> None:
    slow = Slow()
    await write_all(slow, documents(5), counter="sequence")  # type: ignore[arg-type]
    assert [len(part) for part in slow.parts] == [2, 2, 1]
    assert [write for part in slow.parts for write in part] == [
        ReplaceOne({"_id": place, "sequence": 1}, {"_id": place, "sequence": 2}) if place % 2 else InsertOne({"_id": place, "sequence": 1})
        for place in range(5)
    ]


async def test_a_part_is_on_its_way_while_the_next_is_made() -> None:
    slow, seen = Slow(), []

    def made() -> Iterator[tuple[int, Document]]:
        for one in documents(6):
            seen.append(len(slow.parts))
            yield one

    await write_all(slow, made(), counter="sequence")  # type: ignore[arg-type]
    assert seen == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("part", [0, 1, 2])
async def test_a_failure_is_told_when_all_parts_have_ended(part: int) -> None:
    failing, overtaken = Slow(fails=part), Slow(misses=part)
    with pytest.raises(Transient, match="away"):
        await write_all(failing, documents(6), counter="sequence")  # type: ignore[arg-type]
    with pytest.raises(Overtaken, match="slow: another writer was first"):
        await write_all(overtaken, documents(6), counter="sequence")  # type: ignore[arg-type]
    assert sorted(failing.ended) == sorted(overtaken.ended) == [0, 1, 2]


async def test_a_document_that_cannot_be_made_leaves_nothing_on_its_way() -> None:
    slow = Slow()

    def broken() -> Iterator[tuple[int, Document]]:
        yield from documents(4)
        raise ValueError("no document")

    with pytest.raises(ValueError, match="no document"):
        await write_all(slow, broken(), counter="sequence")  # type: ignore[arg-type]
    assert sorted(slow.ended) == [0, 1]


async def test_nothing_to_write_asks_nothing() -> None:
    slow = Slow()
    await write_all(slow, [], counter="sequence")  # type: ignore[arg-type]
    assert slow.parts == []
