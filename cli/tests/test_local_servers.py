"""The servers of the local stack, really started: what a test of a promise stands on."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pymongo import MongoClient

from spikewatch.cli.stack.kafka_server import KafkaServer
from spikewatch.cli.stack.mongo_server import MongoServer
from spikewatch.cli.stack.ports import free_port

pytestmark = [pytest.mark.integration, pytest.mark.slow(40)]
TOPIC = "local-servers"
NINE_MIB = 9 * 1_048_576


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    server = KafkaServer(tmp_path_factory.mktemp("kafka"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServer]:
    server = MongoServer(tmp_path_factory.mktemp("mongo"))
    server.start()
    yield server
    server.stop()


async def _create(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, 1, 1, topic_configs={"max.message.bytes": str(NINE_MIB + 100_000)})])
    finally:
        await admin.close()


async def _send(bootstrap: str, topic: str, values: list[bytes]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, max_request_size=NINE_MIB + 50_000)
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()


async def _read(bootstrap: str, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


async def test_acknowledged_records_survive_sigkill_of_kafka(kafka: KafkaServer) -> None:
    await _create(kafka.bootstrap, TOPIC)
    values = [b"record %d" % number for number in range(100)] + [b"x" * NINE_MIB]
    await _send(kafka.bootstrap, TOPIC, values)
    address = kafka.bootstrap

    kafka.kill()
    kafka.start()

    assert kafka.bootstrap == address
    assert await _read(kafka.bootstrap, TOPIC, len(values)) == values
    kafka.restart()
    assert await _read(kafka.bootstrap, TOPIC, len(values)) == values


def test_documents_survive_sigkill_of_mongod_and_transactions_work(mongo: MongoServer) -> None:
    with MongoClient(mongo.uri) as client:
        with client.start_session() as session, session.start_transaction():
            client["stack"]["kept"].insert_one({"_id": 1}, session=session)
        client["stack"]["kept"].insert_many([{"_id": number} for number in range(2, 100)])

    mongo.kill()
    mongo.start()

    with MongoClient(mongo.uri) as client:
        assert client["stack"]["kept"].count_documents({}) == 99


async def test_two_side_by_side_do_not_meet(kafka: KafkaServer, mongo: MongoServer, tmp_path: Path) -> None:
    other_kafka, other_mongo = KafkaServer(tmp_path / "kafka"), MongoServer(tmp_path / "mongo")
    try:
        other_kafka.start()
        other_mongo.start()
        await _create(other_kafka.bootstrap, "only-here")
        await _send(other_kafka.bootstrap, "only-here", [b"1"])

        assert await _read(other_kafka.bootstrap, "only-here", 1) == [b"1"]
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
        await admin.start()
        assert "only-here" not in await admin.list_topics()
        await admin.close()
        with MongoClient(mongo.uri) as here, MongoClient(other_mongo.uri) as there:
            there["stack"]["side"].insert_one({})
            assert here["stack"]["side"].count_documents({}) == 0
    finally:
        pids = [other_kafka.process.pid, other_mongo.process.pid]
        assert other_kafka.stop()
        assert other_mongo.stop()
    assert not any(pid is not None and psutil.pid_exists(pid) for pid in pids)


def test_a_folder_keeps_the_port_of_its_mongod_and_follows_to_another(tmp_path: Path) -> None:
    first = MongoServer(tmp_path)
    first.start()
    with MongoClient(first.uri) as client:
        client["stack"]["kept"].insert_one({"_id": 1})
    first.stop()
    assert MongoServer(tmp_path).port == first.port

    moved = MongoServer(tmp_path, port=free_port())
    assert moved.port != first.port
    moved.start()
    try:
        with MongoClient(moved.uri) as client:
            assert client["stack"]["kept"].count_documents({}) == 1
            client["stack"]["kept"].insert_one({"_id": 2})
    finally:
        moved.stop()


async def test_a_folder_keeps_the_ports_of_its_broker_and_follows_to_others(tmp_path: Path) -> None:
    first = KafkaServer(tmp_path)
    first.start()
    await _create(first.bootstrap, "moved")
    await _send(first.bootstrap, "moved", [b"1"])
    first.stop()
    assert KafkaServer(tmp_path).port == first.port

    (tmp_path / "kafka-controller.port").unlink()  # the controller's port is lost too, as when somebody else has taken both
    moved = KafkaServer(tmp_path, port=free_port())
    assert moved.port != first.port
    moved.start()
    try:
        await _send(moved.bootstrap, "moved", [b"2"])
        assert await _read(moved.bootstrap, "moved", 2) == [b"1", b"2"]
    finally:
        moved.stop()
