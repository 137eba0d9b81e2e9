"""Reading and replaying dead letters. A replay keeps key, value, headers and so the ``ce_id``, and leaves an entry behind.

The entry is a record in the same dead-letter topic with the id of the letter, no value, and ``dlq-replayed-at`` and
``dlq-replayed-by``: the audit stands where the letter stands and lives as long.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from spikewatch.chassis.clock import Clock, system_clock
from spikewatch.chassis.kafka.connection import KafkaConnection
from spikewatch.chassis.kafka.dead_letter import PREFIX, Cause, original_headers, read_cause
from spikewatch.chassis.kafka.message import Record
from spikewatch.chassis.kafka.publisher import Publisher
from spikewatch.chassis.kafka.reader import read_all
from spikewatch.contracts.topics import ALL

__all__ = ["Letter", "Selection", "dead_letter_topics", "letters", "replay"]

_REPLAYED_AT: Final = PREFIX + "replayed-at"
_REPLAYED_BY: Final = PREFIX + "replayed-by"
_AT_ONCE: Final = 100  # letters in flight; bounds memory and what a crash repeats


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter with its cause and whether it was replayed."""

    record: Record
    cause: Cause
    replayed_at: datetime | None = None
    replayed_by: str | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dead letters are meant; a field that is None selects all."""

    reason: str | None = None
    group: str | None = None
    key: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    id_prefix: str | None = None
    includes_replayed: bool = False

    def takes(self, letter: Letter) -> bool:
        """Return whether a letter is selected."""
        cause = letter.cause
        return (
            (self.includes_replayed or letter.replayed_at is None)
            and (self.reason is None or cause.reason == self.reason)
            and (self.group is None or cause.group == self.group)
            and (self.key is None or letter.record.key == self.key.encode())
            and (self.since is None or cause.failed_at >= self.since)
            and (self.until is None or cause.failed_at < self.until)
            and (self.id_prefix is None or str(cause.id).startswith(self.id_prefix))
        )


def dead_letter_topics(source: str | None = None) -> list[str]:
    """Return the dead-letter topics of one source topic, or of all.

    Raises:
        LookupError: no such topic is declared.
    """
    if source is not None and source not in {topic.name for topic in ALL}:
        raise LookupError(f"{source} is not a declared topic; declared: {', '.join(topic.name for topic in ALL)}")
    return [topic.dead_letter(group).name for topic in ALL if source in {None, topic.name} for group in topic.consumers]


async def letters(connection: KafkaConnection, topics: Sequence[str], selection: Selection) -> list[Letter]:
    """Return the selected letters, each once however often it was written, oldest first."""
    found: dict[str, Letter] = {}
    replays: dict[str, tuple[datetime, str]] = {}
    for topic in topics:
        async for record in read_all(connection, topic):
            if (replayed := record.header(_REPLAYED_AT)) is not None:
                by = (record.header(_REPLAYED_BY) or b"").decode(errors="replace")
                replays[(record.header(PREFIX + "id") or b"").decode()] = (datetime.fromisoformat(replayed.decode()), by)
                continue
            cause = read_cause(record)
            found.setdefault(str(cause.id), Letter(record, cause))
    marked = [
        Letter(letter.record, letter.cause, *replays[identifier]) if identifier in replays else letter
        for identifier, letter in found.items()
    ]
    return sorted(
        (letter for letter in marked if selection.takes(letter)), key=lambda letter: (letter.cause.failed_at, str(letter.cause.id))
    )


async def replay(
    connection: KafkaConnection,
    chosen: Sequence[Letter],
    *,
    by: str,
    per_second: float | None = None,
    clock: Clock = system_clock,
    on_progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Publish letters back to the topics they came from and return how many.

    Args:
        connection: the cluster.
        chosen: what `letters` returned.
        by: who replays, for the entry left behind.
        per_second: at most so many a second.
        clock: dates the entry.
        on_progress: called with the number done so far.
    """
    publisher = Publisher(connection)
    await publisher.start()
    try:
        done = 0
        async for part in _paced(chosen, per_second):
            await publisher.raw_acknowledged(
                [
                    await publisher.raw(letter.cause.topic, letter.record.key, letter.record.value, original_headers(letter.record.headers))
                    for letter in part
                ]
            )
            # The entry follows the acknowledgement: a crash between repeats the replay, which changes nothing.
            moment = clock().astimezone(UTC).isoformat().encode()
            await publisher.raw_acknowledged(
                [
                    await publisher.raw(
                        letter.record.topic,
                        letter.record.key,
                        None,
                        [(PREFIX + "id", str(letter.cause.id).encode()), (_REPLAYED_AT, moment), (_REPLAYED_BY, by.encode())],
                    )
                    for letter in part
                ]
            )
            done += len(part)
            on_progress(done)
        return done
    finally:
        await publisher.stop()


async def _paced(chosen: Sequence[Letter], per_second: float | None) -> AsyncIterator[Sequence[Letter]]:
    size = _AT_ONCE if per_second is None else max(1, min(_AT_ONCE, int(per_second)))
    started = time.monotonic()
    for first in range(0, len(chosen), size):
        if per_second is not None:
            await asyncio.sleep(max(0.0, started + first / per_second - time.monotonic()))
        yield chosen[first : first + size]
