"""Asks the directory over gRPC for the contacts responsible for an area."""

from collections.abc import Sequence
from typing import Final

import grpc
import grpc.aio

from spikewatch.alerts.adapters.contact_book import Unavailable
from spikewatch.api.directory.v1 import contact_pb2, directory_service_pb2, directory_service_pb2_grpc
from spikewatch.contracts.alert import AlertContact
from spikewatch.contracts.directory import ContactRole

__all__ = ["GrpcDirectory"]

_LONGEST: Final = 128  # characters of the contract's short texts


class GrpcDirectory:
    """The directory behind a channel of the chassis, which adds token, deadline and trace."""

    def __init__(self, channel: grpc.aio.Channel, *, timeout_seconds: float) -> None:
        self._stub = directory_service_pb2_grpc.DirectoryServiceStub(channel)
        self._timeout = timeout_seconds

    async def list_responsible(self, areas: Sequence[str]) -> tuple[AlertContact, ...]:
        """Return the contacts for the areas, the most specific area first.

        Raises:
            Unavailable: no answer in time, or a refusal.
        """
        request = directory_service_pb2.ListResponsibleContactsRequest(areas=areas)
        try:
            response = await self._stub.ListResponsibleContacts(request, timeout=self._timeout)
        except grpc.aio.AioRpcError as error:
            raise Unavailable(f"directory: {error.code().name}") from error
        return tuple(_contact(found.contact) for found in response.contacts)


def _contact(contact: contact_pb2.Contact) -> AlertContact:
    name = contact_pb2.ContactRole.Name(contact.role).removeprefix("CONTACT_ROLE_").lower()
    # a role that a newer directory knows and this service does not is passed on as it is called
    role = ContactRole(name).value if name in set(ContactRole) else name
    return AlertContact(
        name=contact.name[:_LONGEST],
        organization=contact.organization[:_LONGEST],
        role=role,
        email=contact.email or None,
        phone=contact.phone or None,
    )
