"""Records handed over as batches: all of them, in order, whatever their size, and the partition Kafka's clients agree on."""

import asyncio

from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch

from spikewatch.chassis.kafka.publisher import partition_of
from spikewatch.chassis.kafka.record_batches import RecordBatches


class FakeProducer:
    """Builds real batches of at most 1,000 bytes and keeps what is sent."""

    def __init__(self):
        self.sent = []

    def create_batch(self):
        return BatchBuilder(1_000, 0)

    async def send_batch(self, batch, topic, *, partition):
        assert batch.closed()
        self.sent.append((topic, partition, [record.value for record in DefaultRecordBatch(bytes(batch._build()))]))
        future = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future


async def test_every_record_arrives_once_in_the_order_of_its_partition_also_one_larger_than_a_batch():
    producer, acknowledgements = FakeProducer(), []
    batches = RecordBatches(producer)
    values = [b"%d" % number * (2_000 if number == 50 else 20) for number in range(100)]
    for number, value in enumerate(values):
        batches.add(("a topic", number % 2), b"key", value, [("ce_id", b"1")])
    await batches.hand_over(acknowledgements)
    assert len(acknowledgements) == len(producer.sent) > 4
    for partition in (0, 1):
        arrived = [value for _, where, found in producer.sent for value in found if where == partition]
        assert arrived == values[partition::2]


def test_a_key_goes_to_the_partition_of_kafkas_default_partitioner():
    for number in range(200):
        key = f"county:{number:05}".encode()
        assert partition_of(key, 6) == DefaultPartitioner()(key, list(range(6)), [])
