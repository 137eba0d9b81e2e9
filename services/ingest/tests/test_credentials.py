from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from spikewatch.chassis.outcome import Transient
from spikewatch.ingest.credentials import Credentials
from spikewatch.ingest.domain.api_key import new_key
from spikewatch.ingest.testing import InMemoryApiKeys

AT = datetime(2026, 5, 1, tzinfo=UTC)


async def test_an_answer_is_fresh_then_asked_again_and_stale_only_while_the_database_is_away() -> None:
    keys, clock = InMemoryApiKeys(), [0.0]
    text, key = new_key("cedar-ems", now=AT, entropy=lambda count: bytes(range(count)))
    await keys.add(key)
    credentials = Credentials(keys, fresh_for=timedelta(seconds=30), stale_for=timedelta(hours=1), monotonic=lambda: clock[0])
    assert await credentials.agency_of(text) == "cedar-ems"
    await keys.revoke(replace(key, revoked_at=AT))
    clock[0] = 29
    assert await credentials.agency_of(text) == "cedar-ems"
    keys.is_down = True
    clock[0] = 3599
    assert await credentials.agency_of(text) == "cedar-ems"
    clock[0] = 3601
    with pytest.raises(Transient):
        await credentials.agency_of(text)
    keys.is_down = False
    assert await credentials.agency_of(text) is None
    keys.is_down = True
    clock[0] = 3700
    with pytest.raises(Transient):
        await credentials.agency_of(text)


def test_a_key_has_256_random_bits_and_is_not_kept() -> None:
    asked: list[int] = []

    def entropy(count: int) -> bytes:
        asked.append(count)
        return bytes(count)

    text, key = new_key("cedar-ems", now=AT, entropy=entropy)
    assert 32 in asked
    assert text.split("_")[2] not in repr(key)
