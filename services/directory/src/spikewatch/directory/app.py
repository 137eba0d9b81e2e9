"""The composition root: wires store, relay, use cases and the gRPC port."""

from typing import Any

from spikewatch.api.directory.v1.directory_service_pb2_grpc import add_DirectoryServiceServicer_to_server
from spikewatch.chassis.runtime import Runtime
from spikewatch.directory.adapters.kafka_change_publisher import KafkaChangePublisher
from spikewatch.directory.adapters.mongo_record_store import MongoRecordStore
from spikewatch.directory.handlers import SERVICE_NAME, DirectoryServicer
from spikewatch.directory.relay import Relay
from spikewatch.directory.service import Directory
from spikewatch.directory.settings import DirectorySettings

__all__ = ["build"]

# After a failed turn; a good one waits by itself until it is woken.
_PAUSE_SECONDS = 0.01


async def build(runtime: Runtime, settings: DirectorySettings) -> None:
    """Wire the service; called once, before anything is served."""
    store = MongoRecordStore(runtime.mongo)
    await store.prepare()
    relay = Relay(store, KafkaChangePublisher(runtime.publisher), clock=runtime.clock, holder=runtime.instance)
    servicer = DirectoryServicer(Directory(store, clock=runtime.clock, wake=relay.wake))

    def register(server: Any) -> None:
        add_DirectoryServiceServicer_to_server(servicer, server)

    runtime.serve_grpc(
        register,
        host=settings.directory_host,
        port=settings.directory_port,
        names=(SERVICE_NAME,),
        token=settings.directory_token,
        reflection=settings.directory_reflection,
    )
    runtime.every(_PAUSE_SECONDS, relay.turn, name="publish-changes")
