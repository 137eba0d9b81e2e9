"""Fills a fresh stack: directory records over gRPC, and a key for each agency."""

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import grpc
from google.protobuf.json_format import ParseDict

from spikewatch.api.directory.v1 import agency_pb2, contact_pb2, provider_pb2, service_pb2
from spikewatch.api.directory.v1 import directory_service_pb2 as calls
from spikewatch.api.directory.v1.directory_service_pb2_grpc import DirectoryServiceStub
from spikewatch.chassis.clock import system_clock
from spikewatch.chassis.grpc.client import connect
from spikewatch.chassis.mongo import Mongo
from spikewatch.cli.exit_status import CannotRun
from spikewatch.ingest.adapters.mongo_api_keys import MongoApiKeys
from spikewatch.ingest.domain.api_key import new_key

__all__ = ["create_request", "issue_keys", "load_directory"]

_DEADLINE: Final = timedelta(seconds=10)
_INGEST_DATABASE: Final = "spikewatch_ingest"
# How each closed list of the contract is written in proto: ems is SOURCE_TYPE_EMS there.
_ENUMS: Final = {"source_type": "SOURCE_TYPE_", "state": "AGENCY_STATE_", "role": "CONTACT_ROLE_", "status": "SERVICE_STATUS_"}


def create_request(record: Mapping[str, Any]) -> tuple[str, Any]:
    """Return the method that creates a directory record, and its request."""
    fields = {name: _ENUMS[name] + value.upper().replace(" ", "_") if name in _ENUMS else value for name, value in record.items()}
    kind = fields.pop("kind")
    parent, _, own = fields["name"].rpartition("/")
    parent = parent.rpartition("/")[0]
    if kind == "agency":
        return "CreateAgency", calls.CreateAgencyRequest(agency_id=own, agency=ParseDict(fields, agency_pb2.Agency()))
    if kind == "provider":
        return "CreateProvider", calls.CreateProviderRequest(provider_id=own, provider=ParseDict(fields, provider_pb2.Provider()))
    if kind == "service":
        return "CreateService", calls.CreateServiceRequest(parent=parent, service_id=own, service=ParseDict(fields, service_pb2.Service()))
    return "CreateContact", calls.CreateContactRequest(parent=parent, contact_id=own, contact=ParseDict(fields, contact_pb2.Contact()))


async def load_directory(address: str, records: Iterable[Mapping[str, Any]]) -> None:
    """Create every record in the directory, parents first.

    Raises:
        CannotRun: the directory does not answer or refuses one.
    """
    async with connect(address, deadline=_DEADLINE) as channel:
        stub = DirectoryServiceStub(channel)
        for record in records:
            method, request = create_request(record)
            try:
                await getattr(stub, method)(request)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.ALREADY_EXISTS:
                    raise CannotRun(f"the directory refused {record['name']}: {error.code().name}, {error.details()}") from None


async def issue_keys(mongodb_uri: str, agencies: Sequence[str]) -> dict[str, str]:
    """Issue a key for each agency and return them by agency id."""
    mongo = Mongo(mongodb_uri, _INGEST_DATABASE)
    try:
        keys = MongoApiKeys(mongo)
        await keys.prepare()
        issued = {}
        for agency in agencies:
            issued[agency], key = new_key(agency, now=system_clock(), entropy=os.urandom)
            await keys.add(key)
    finally:
        mongo.close()
    return issued
