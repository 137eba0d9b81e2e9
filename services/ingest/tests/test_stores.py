"""One suite for the in-memory ports and the MongoDB adapters."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from spikewatch.chassis.mongo import Mongo
from spikewatch.chassis.outcome import Transient
from spikewatch.ingest.adapters.mongo_api_keys import MongoApiKeys
from spikewatch.ingest.adapters.mongo_receipts import MongoReceipts
from spikewatch.ingest.adapters.mongo_revisions import MongoRevisions
from spikewatch.ingest.adapters.mongo_seal_mark import HASHES, MongoSealMark
from spikewatch.ingest.domain.api_key import digest_of, new_key
from spikewatch.ingest.domain.receipt import Receipt, RecordOutcome, Result
from spikewatch.ingest.domain.revision import History, Revision
from spikewatch.ingest.domain.seal import fingerprint
from spikewatch.ingest.testing import InMemoryApiKeys, InMemoryReceipts, InMemoryRevisions

AT = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def memory() -> tuple[Any, Any, Any]:
    return InMemoryRevisions(), InMemoryReceipts(), InMemoryApiKeys()


@pytest.fixture
async def real(mongo: Mongo) -> tuple[Any, Any, Any]:
    found = (
        MongoRevisions(mongo, retention=timedelta(days=1), now=lambda: AT),
        MongoReceipts(mongo, retention=timedelta(days=1)),
        MongoApiKeys(mongo),
    )
    for store in (*found, *found):  # preparing twice is what every later start does
        await store.prepare()
    return found


class StoreSuite:
    async def test_a_history_is_found_as_it_was_saved(self, stores: Any) -> None:
        revisions, _, _ = stores
        key, submission = uuid4(), uuid4()
        history = History(key, 0, [Revision(1, b"x" * 16, submission, 3)])
        await revisions.save([history])
        assert await revisions.load([key, uuid4()]) == {key: History(key, 1, [Revision(1, b"x" * 16, submission, 3)])}
        await revisions.save([])
        assert await revisions.load([]) == {}

    async def test_two_writers_of_one_history_conflict_and_the_first_stays(self, stores: Any) -> None:
        revisions, _, _ = stores
        key, other = uuid4(), uuid4()
        await revisions.save([History(key, 0, [Revision(1, b"x", other, 0)])])
        with pytest.raises(Transient):
            await revisions.save([History(key, 0, [Revision(1, b"y", other, 0)]), History(other, 0, [])])
        assert (await revisions.load([key]))[key].revisions[0].digest == b"x"
        assert other in await revisions.load([other])
        loaded = (await revisions.load([key]))[key]
        loaded.revisions.append(Revision(2, b"z", other, 0))
        await revisions.save([loaded])
        with pytest.raises(Transient):
            await revisions.save([loaded])

    async def test_a_receipt_belongs_to_its_agency(self, stores: Any) -> None:
        _, receipts, _ = stores
        receipt = Receipt(uuid4(), "cedar-ems", AT, "statutory", 2, (RecordOutcome(0, Result.REPORT, uuid4(), 1), refused(1)))
        await receipts.save([receipt])
        assert await receipts.find("cedar-ems", receipt.submission_id) == receipt
        assert await receipts.find("birch-police", receipt.submission_id) is None
        await receipts.save([])

    async def test_a_part_changes_its_record_alone_also_behind_its_submission_in_one_call(self, stores: Any) -> None:
        _, receipts, _ = stores
        whole = Receipt(uuid4(), "cedar-ems", AT, "statutory", 2, (refused(0), refused(1)))
        report = RecordOutcome(1, Result.REPORT, uuid4(), 1)
        part = replace(whole, records=1, outcomes=(report,), is_part=True)
        await receipts.save([whole, part])
        assert await receipts.find("cedar-ems", whole.submission_id) == replace(whole, outcomes=(refused(0), report))
        orphan = replace(part, submission_id=uuid4())
        await receipts.save([orphan])
        found = await receipts.find("cedar-ems", orphan.submission_id)
        assert (found.records, found.outcomes) == (1, (report,))

    async def test_a_large_receipt_comes_back_whole_and_in_order(self, stores: Any) -> None:
        _, receipts, _ = stores
        outcomes = tuple(RecordOutcome(index, Result.NOT_AN_OVERDOSE) for index in range(2_500))
        large = Receipt(uuid4(), "cedar-ems", AT, "cad_911", 2_500, outcomes)
        await receipts.save([large])
        assert await receipts.find("cedar-ems", large.submission_id) == large

    async def test_a_submission_refused_whole_keeps_its_reason(self, stores: Any) -> None:
        _, receipts, _ = stores
        refusal = Receipt(uuid4(), "cedar-ems", AT, "statutory", 0, (refused(-1),))
        await receipts.save([refusal])
        found = await receipts.find("cedar-ems", refusal.submission_id)
        assert found == refusal
        assert found.counts()["rejected"] == 1

    async def test_a_key_is_found_by_its_hash_and_revoked_once(self, stores: Any) -> None:
        _, _, keys = stores
        text, key = new_key("cedar-ems", now=AT, entropy=lambda count: bytes(range(count)))
        await keys.add(key)
        assert await keys.find(digest_of(text)) == key
        assert await keys.find(b"other") is None
        assert await keys.of("cedar-ems") == [key] == await keys.of(None)
        assert await keys.of("birch-police") == []
        await keys.revoke(replace(key, revoked_at=AT))
        await keys.revoke(replace(key, revoked_at=AT + timedelta(days=1)))
        found = await keys.find(digest_of(text))
        assert found is not None
        assert found.revoked_at == AT


def refused(index: int) -> RecordOutcome:
    return RecordOutcome(index, Result.REJECTED, reason="malformed", problem="p", expected="e", example="x", topic="t")


class TestInMemory(StoreSuite):
    @pytest.fixture
    def stores(self, memory: Any) -> Any:
        return memory


@pytest.mark.integration
class TestMongo(StoreSuite):
    @pytest.fixture
    def stores(self, real: Any) -> Any:
        return real


@pytest.mark.integration
async def test_another_seal_key_is_noticed_and_the_same_is_not(mongo: Mongo) -> None:
    mark = MongoSealMark(mongo)
    assert await mark.fits(fingerprint(b"a" * 32))
    assert await mark.fits(fingerprint(b"a" * 32))
    assert not await mark.fits(fingerprint(b"b" * 32))
    assert await mark.fits(fingerprint(b"b" * 32), HASHES)  # a key of another use
    assert not await mark.fits(fingerprint(b"a" * 32), HASHES)
