"""The use case of watching feeds: counts what came, and publishes how each feed does.

Counting stays out of the way of the batch: what came is noted in memory and entered into the books every few seconds. A
process that is killed loses the notes of those seconds and nothing else; the books say how far they have read, so nothing is
ever counted twice.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from spikewatch.chassis.kafka.message import Message
from spikewatch.chassis.outcome import Transient
from spikewatch.contracts import topics
from spikewatch.contracts.feed_health import FeedHealth
from spikewatch.contracts.topics import EventType
from spikewatch.ingest.domain.feed_book import FeedBook, FeedSubmission, health, is_news
from spikewatch.ingest.ports import Agencies, FeedBooks, Publisher

__all__ = ["FeedWatch"]


class FeedWatch:
    """Keeps the books of all feeds.

    Args:
        books: where they are kept.
        agencies: tells which feeds are still expected, and how often.
        publisher: publishes to the feeds topic.
        now: the clock.
    """

    def __init__(self, *, books: FeedBooks, agencies: Agencies, publisher: Publisher, now: Callable[[], datetime]) -> None:
        self._books = books
        self._agencies = agencies
        self._publisher = publisher
        self._now = now
        self._noted: list[FeedSubmission] = []
        self._judged: tuple[FeedHealth, ...] = ()

    @property
    def judged(self) -> tuple[FeedHealth, ...]:
        """Every feed as it was judged last."""
        return self._judged

    def note(self, submissions: Sequence[FeedSubmission]) -> None:
        """Note what came; it is entered with the next turn."""
        self._noted.extend(submissions)

    async def enter(self) -> None:
        """Enter what was noted.

        Raises:
            Transient: the store does not answer, or another instance was first; everything stays noted.
        """
        noted, self._noted = self._noted, []
        if not noted:
            return
        try:
            books = dict(await self._books.load({submission.feed for submission in noted}))
            changed: dict[str, FeedBook] = {}
            for submission in noted:
                book = books.setdefault(submission.feed, FeedBook(submission.feed))
                if book.enter(submission):
                    changed[book.feed] = book
            await self._books.save(list(changed.values()))
        except Transient:
            self._noted = noted + self._noted
            raise

    async def publish(self) -> None:
        """Judge every feed and publish what is news.

        Raises:
            Transient: the store or the broker does not answer; the next turn finds the same.
        """
        now = self._now()
        judged: list[FeedHealth] = []
        news: list[tuple[FeedBook, FeedHealth | None]] = []
        for book in await self._books.every():
            agency = self._agencies.get(book.agency_id)
            if agency is None:
                if book.published is not None:
                    news.append((book, None))
                continue
            declared = None if agency.sends_every_s is None else timedelta(seconds=agency.sends_every_s)
            found = health(book, now, declared).model_copy(update={"areas": agency.areas})
            judged.append(found)
            if is_news(book.published, found):
                news.append((book, found))
        self._judged = tuple(judged)
        if news:
            await self._publisher.send([_message(book, found) for book, found in news])
            for book, published in news:
                book.published = published
            await self._books.save([book for book, _ in news])


def _message(book: FeedBook, found: FeedHealth | None) -> Message:
    return Message.of(
        topics.FEEDS,
        found,
        key=book.feed,
        event_type=EventType.FEED_HEALTH,
        subject=book.feed,
        version=found.version if found is not None else f"gone-{book.version}",
        source="/spikewatch/ingest",
        time=None if found is None else found.window.end,
    )
