from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from spikewatch.chassis.mongo import Mongo
from spikewatch.chassis.outcome import Transient
from spikewatch.contracts.feed_health import FeedHealth, FeedState
from spikewatch.ingest.adapters.mongo_feed_books import MongoFeedBooks
from spikewatch.ingest.domain.feed_book import FeedSubmission
from spikewatch.ingest.feed_watch import FeedWatch
from spikewatch.ingest.testing import FakeAgencies, FakePublisher, InMemoryFeedBooks, agency

START = datetime(2026, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def submission(offset: int, agency_id: str = "cedar-ems") -> FeedSubmission:
    counts = {"report": 2, "rejected": 1, "rejected:invalid-field": 1, "new_reports": 2, "states:age": 1}
    return FeedSubmission(agency_id, "nemsis", 3, offset, START + offset * HOUR, counts, START)


class House:
    """A watch over books in memory, with a clock that is set by hand."""

    def __init__(self, books: Any) -> None:
        self.books = books
        self.agencies = FakeAgencies(agency("cedar-ems"))
        self.publisher = FakePublisher()
        self.now = START

    def watch(self) -> FeedWatch:
        return FeedWatch(books=self.books, agencies=self.agencies, publisher=self.publisher, now=lambda: self.now)

    def published(self) -> list[FeedHealth | None]:
        bodies = [message.body for message in self.publisher.sent]
        return [body if isinstance(body, FeedHealth) else None for body in bodies]


class WatchSuite:
    async def test_what_was_noted_is_published_and_a_redelivery_adds_nothing(self, house: House) -> None:
        watch = house.watch()
        watch.note([submission(0), submission(1)])
        await watch.enter()
        watch.note([submission(0), submission(1)])
        await watch.enter()
        await house.watch().publish()
        (known,) = house.published()
        assert known is not None
        assert (known.feed, known.submissions, known.records, known.rejected) == ("cedar-ems/nemsis", 2, 6, 2)
        assert house.publisher.sent[0].key == "cedar-ems/nemsis"

    async def test_nothing_new_is_not_published_again(self, house: House) -> None:
        watch = house.watch()
        watch.note([submission(0)])
        await watch.enter()
        for _ in range(3):
            await watch.publish()
        assert len(house.publisher.sent) == 1
        assert [judged.feed for judged in watch.judged] == ["cedar-ems/nemsis"]

    async def test_two_instances_enter_the_same_feed_and_lose_nothing(self, house: House) -> None:
        first, second = house.watch(), house.watch()
        for offset in range(6):
            (first, second)[offset % 2].note([submission(offset)])
            await (first, second)[offset % 2].enter()
        await first.publish()
        (known,) = house.published()
        assert known is not None
        assert known.submissions == 6

    async def test_silence_is_told_when_it_begins_and_when_it_ends(self, house: House) -> None:
        watch = house.watch()
        watch.note([submission(hour) for hour in range(72)])
        await watch.enter()
        for house.now in (START + 71 * HOUR, START + 80 * HOUR, START + 81 * HOUR):
            await watch.publish()
        watch.note([submission(82)])
        await watch.enter()
        house.now = START + 82 * HOUR
        await watch.publish()
        told = [known.state for known in house.published() if known is not None]
        assert told == [FeedState.FLOWING, FeedState.SILENT, FeedState.FLOWING]
        assert [known.version for known in house.published() if known is not None] == [1, 2, 3]

    async def test_a_declared_cadence_outranks_the_learnt_one(self, house: House) -> None:
        daily = agency("cedar-ems").model_copy(update={"sends_every_s": 86_400.0})
        house.agencies.by_id["cedar-ems"] = daily
        watch = house.watch()
        watch.note([submission(hour) for hour in range(72)])
        await watch.enter()
        house.now = START + 100 * HOUR
        await watch.publish()
        assert [known.state for known in house.published() if known is not None] == [FeedState.FLOWING]

    async def test_the_feed_of_an_agency_that_is_gone_is_taken_back(self, house: House) -> None:
        watch = house.watch()
        watch.note([submission(0)])
        await watch.enter()
        await watch.publish()
        house.agencies.by_id.clear()
        await watch.publish()
        await watch.publish()
        assert [body is None for body in house.published()] == [False, True]

    async def test_a_broker_that_is_away_is_tried_again(self, house: House) -> None:
        watch = house.watch()
        watch.note([submission(0)])
        await watch.enter()
        house.publisher.is_down = True
        with pytest.raises(Transient):
            await watch.publish()
        house.publisher.is_down = False
        await watch.publish()
        assert len(house.publisher.sent) == 1


class TestInMemory(WatchSuite):
    @pytest.fixture
    def house(self) -> House:
        return House(InMemoryFeedBooks())

    async def test_what_cannot_be_stored_stays_noted(self, house: House) -> None:
        watch = house.watch()
        watch.note([submission(0)])
        original, house.books.save = house.books.save, None

        async def fail(_: Any) -> None:
            raise Transient("no database")

        house.books.save = fail
        with pytest.raises(Transient):
            await watch.enter()
        house.books.save = original
        await watch.enter()
        assert house.books.stored["cedar-ems/nemsis"].read_to == {3: 0}


@pytest.mark.integration
class TestMongo(WatchSuite):
    @pytest.fixture
    def house(self, mongo: Mongo) -> House:
        return House(MongoFeedBooks(mongo))
