"""The FastStream broker with defaults that lose nothing (docs/adr/0001 tells what each default would have lost)."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage

from spikewatch.chassis.kafka.batch import BatchConsumer
from spikewatch.chassis.kafka.commits import Committer
from spikewatch.chassis.kafka.connection import KafkaConnection
from spikewatch.chassis.kafka.gather import Gatherer
from spikewatch.chassis.kafka.message import Record
from spikewatch.chassis.kafka.rebalance import DrainingListener

__all__ = ["Consumption", "make_broker", "subscribe"]

_FETCH_BYTES: Final = 16 * 1024 * 1024  # of one broker; bounds memory when the backlog is long
_PARTITION_FETCH_BYTES: Final = 2 * 1024 * 1024
_SESSION_TIMEOUT_MS: Final = 10_000
# Longer than settings.retry_seconds can be, so that a batch in retry is never taken for a dead member.
_MAX_POLL_INTERVAL_MS: Final = 300_000


@dataclass(slots=True)
class Consumption:
    """One running subscription."""

    batches: BatchConsumer
    listener: DrainingListener
    subscriber: Any

    @property
    def consumer(self) -> AIOKafkaConsumer | None:
        """The client library's consumer; None before start and after stop."""
        return self.subscriber.consumer


def make_broker(connection: KafkaConnection, *, drain_seconds: float) -> KafkaBroker:
    """Build a broker that only consumes: publishing is the publisher's."""
    return KafkaBroker(
        list(connection.bootstrap),
        client_id=connection.client_id,
        security=connection.faststream(),
        retry_backoff_ms=100,
        graceful_timeout=drain_seconds,
        allow_auto_create_topics=False,
        consumer_only=True,
        apply_types=False,
        logger=None,
    )


def subscribe(broker: KafkaBroker, batches: BatchConsumer, *, max_records: int) -> Consumption:
    """Register a batch consumer with the broker."""
    listener = DrainingListener(batches)
    subscription = batches.subscription

    async def parse(records: tuple[ConsumerRecord, ...]) -> KafkaMessage:
        # The stock parser decodes every header and skips the record when one is no UTF-8; ours leaves them as bytes.
        return KafkaMessage(
            body=b"", headers={}, raw_message=records, consumer=cast("Any", subscriber.consumer), message_id="", reply_to=""
        )

    async def decode(message: KafkaMessage) -> Any:
        return message.raw_message

    subscriber: Any = broker.subscriber(
        subscription.topic.name,
        group_id=subscription.group,
        batch=True,
        ack_policy=AckPolicy.MANUAL,
        no_reply=True,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        partition_assignment_strategy=(RoundRobinPartitionAssignor,),
        fetch_max_bytes=_FETCH_BYTES,
        max_partition_fetch_bytes=_PARTITION_FETCH_BYTES,
        session_timeout_ms=_SESSION_TIMEOUT_MS,
        max_poll_interval_ms=_MAX_POLL_INTERVAL_MS,
        listener=listener,
        parser=parse,
        decoder=decode,
    )

    # FastStream's own sleeps half a second after a poll that brought nothing, whatever comes meanwhile.
    subscriber.get_msg = Gatherer(max_records=max_records, max_bytes=subscription.max_bytes)

    @subscriber  # type: ignore[untyped-decorator]  # FastStream's types do not know that it may be polled otherwise
    async def on_batch(records: Sequence[ConsumerRecord]) -> None:
        consumer = cast("Committer", subscriber.consumer)
        await batches.run([to_record(record) for record in records], consumer)

    return Consumption(batches, listener, subscriber)


def to_record(record: "ConsumerRecord[bytes, bytes]") -> Record:
    """Copy a client library's record into ours."""
    return Record(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        headers=tuple(record.headers),
        timestamp=datetime.fromtimestamp(record.timestamp / 1000, UTC),
    )


# Both libraries log each poll, join and commit; what matters of it is logged by the chassis with its own fields.
logging.getLogger("aiokafka").setLevel(logging.WARNING)
