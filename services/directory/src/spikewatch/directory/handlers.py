"""The gRPC surface: reads requests, calls a use case, writes the answer. A refusal of the domain becomes a status here."""

# gRPC calls the methods by these names; proto/ documents them
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import grpc
from google.protobuf.empty_pb2 import Empty
from typing_extensions import override

from spikewatch.api.directory.v1 import agency_pb2, contact_pb2, profile_pb2, provider_pb2, rule_pb2, service_pb2
from spikewatch.api.directory.v1 import directory_service_pb2 as calls
from spikewatch.api.directory.v1.directory_service_pb2_grpc import DirectoryServiceServicer
from spikewatch.chassis.grpc.refusal import Refused, Violation
from spikewatch.directory.domain.names import Kind
from spikewatch.directory.domain.refusals import (
    HasChildren,
    InvalidFields,
    NotFound,
    Refusal,
    SpentRuleVersion,
    SpentVersion,
    StaleEtag,
    TakenName,
)
from spikewatch.directory.service import Directory
from spikewatch.directory.wire import draft_from, roles_from, to_message

__all__ = ["SERVICE_NAME", "DirectoryServicer"]

SERVICE_NAME: Final = calls.DESCRIPTOR.services_by_name["DirectoryService"].full_name

_ANSWERS: Final[dict[type[Refusal], tuple[grpc.StatusCode, str, str]]] = {
    NotFound: (grpc.StatusCode.NOT_FOUND, "NOT_FOUND", "there is no record of this name, or of its parent's"),
    TakenName: (grpc.StatusCode.ALREADY_EXISTS, "NAME_TAKEN", "there is a record of this name already; update it instead"),
    SpentVersion: (
        grpc.StatusCode.ALREADY_EXISTS,
        "PROFILE_VERSION_SPENT",
        "this version of the profile is or was kept with other content, and reports may name it; count `version` in the profile up by one",
    ),
    SpentRuleVersion: (
        grpc.StatusCode.FAILED_PRECONDITION,
        "RULE_VERSION_SPENT",
        "the rule is or was kept under this version with other content, or under a later one; count `version` in the rule up",
    ),
    StaleEtag: (grpc.StatusCode.ABORTED, "ETAG_MISMATCH", "the record has changed meanwhile; get it again and repeat the change"),
    HasChildren: (grpc.StatusCode.FAILED_PRECONDITION, "HAS_CHILDREN", "it still has services, contacts or profiles; delete them first"),
}


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except InvalidFields as error:
        violations = [Violation(one.field, one.problem, one.expected, one.example) for one in error.problems]
        message = "; ".join(f"{one.field} {one.description}" for one in violations)
        raise Refused(grpc.StatusCode.INVALID_ARGUMENT, message, reason="INVALID_FIELDS", violations=violations) from None
    except Refusal as error:
        code, reason, message = _ANSWERS[type(error)]
        raise Refused(code, message, reason=reason) from None


class DirectoryServicer(DirectoryServiceServicer):
    """``spikewatch.api.directory.v1.DirectoryService``."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def _get(self, kind: Kind, request: Any) -> Any:
        with _refusals():
            return to_message(await self._directory.get(kind, request.name))

    async def _list(self, kind: Kind, request: Any, answer: Any) -> Any:
        parent = request.parent if kind.parents else ""
        with _refusals():
            page = await self._directory.page(kind, parent=parent, size=request.page_size, token=request.page_token, query=request.filter)
        getattr(answer, kind.collection).extend(to_message(record) for record in page.records)
        answer.next_page_token = page.next_page_token
        return answer

    async def _create(self, kind: Kind, request: Any) -> Any:
        with _refusals():
            record = await self._directory.create(
                kind,
                parent=request.parent if kind.parents else "",
                resource_id=getattr(request, f"{kind}_id"),
                draft=draft_from(kind, getattr(request, kind)),
                request_id=request.request_id,
            )
        return to_message(record)

    async def _update(self, kind: Kind, request: Any) -> Any:
        message = getattr(request, kind)
        with _refusals():
            record = await self._directory.update(
                kind,
                name=message.name,
                etag=message.etag,
                draft=draft_from(kind, message),
                mask=tuple(request.update_mask.paths),
                allow_missing=request.allow_missing,
            )
        return to_message(record)

    async def _delete(self, kind: Kind, request: Any) -> Empty:
        with _refusals():
            await self._directory.delete(kind, name=request.name, etag=request.etag)
        return Empty()

    @override
    async def GetAgency(self, request: calls.GetAgencyRequest, context: Any) -> agency_pb2.Agency:
        answer: agency_pb2.Agency = await self._get(Kind.AGENCY, request)
        return answer

    @override
    async def ListAgencies(self, request: calls.ListAgenciesRequest, context: Any) -> calls.ListAgenciesResponse:
        answer: calls.ListAgenciesResponse = await self._list(Kind.AGENCY, request, calls.ListAgenciesResponse())
        return answer

    @override
    async def CreateAgency(self, request: calls.CreateAgencyRequest, context: Any) -> agency_pb2.Agency:
        answer: agency_pb2.Agency = await self._create(Kind.AGENCY, request)
        return answer

    @override
    async def UpdateAgency(self, request: calls.UpdateAgencyRequest, context: Any) -> agency_pb2.Agency:
        answer: agency_pb2.Agency = await self._update(Kind.AGENCY, request)
        return answer

    @override
    async def DeleteAgency(self, request: calls.DeleteAgencyRequest, context: Any) -> Empty:
        answer: Empty = await self._delete(Kind.AGENCY, request)
        return answer

    @override
    async def GetProvider(self, request: calls.GetProviderRequest, context: Any) -> provider_pb2.Provider:
        answer: provider_pb2.Provider = await self._get(Kind.PROVIDER, request)
        return answer

    @override
    async def ListProviders(self, request: calls.ListProvidersRequest, context: Any) -> calls.ListProvidersResponse:
        answer: calls.ListProvidersResponse = await self._list(Kind.PROVIDER, request, calls.ListProvidersResponse())
        return answer

    @override
    async def CreateProvider(self, request: calls.CreateProviderRequest, context: Any) -> provider_pb2.Provider:
        answer: provider_pb2.Provider = await self._create(Kind.PROVIDER, request)
        return answer

    @override
    async def UpdateProvider(self, request: calls.UpdateProviderRequest, context: Any) -> provider_pb2.Provider:
        answer: provider_pb2.Provider = await self._update(Kind.PROVIDER, request)
        return answer

    @override
    async def DeleteProvider(self, request: calls.DeleteProviderRequest, context: Any) -> Empty:
        answer: Empty = await self._delete(Kind.PROVIDER, request)
        return answer

    @override
    async def GetService(self, request: calls.GetServiceRequest, context: Any) -> service_pb2.Service:
        answer: service_pb2.Service = await self._get(Kind.SERVICE, request)
        return answer

    @override
    async def ListServices(self, request: calls.ListServicesRequest, context: Any) -> calls.ListServicesResponse:
        answer: calls.ListServicesResponse = await self._list(Kind.SERVICE, request, calls.ListServicesResponse())
        return answer

    @override
    async def CreateService(self, request: calls.CreateServiceRequest, context: Any) -> service_pb2.Service:
        answer: service_pb2.Service = await self._create(Kind.SERVICE, request)
        return answer

    @override
    async def UpdateService(self, request: calls.UpdateServiceRequest, context: Any) -> service_pb2.Service:
        answer: service_pb2.Service = await self._update(Kind.SERVICE, request)
        return answer

    @override
    async def DeleteService(self, request: calls.DeleteServiceRequest, context: Any) -> Empty:
        answer: Empty = await self._delete(Kind.SERVICE, request)
        return answer

    @override
    async def GetContact(self, request: calls.GetContactRequest, context: Any) -> contact_pb2.Contact:
        answer: contact_pb2.Contact = await self._get(Kind.CONTACT, request)
        return answer

    @override
    async def ListContacts(self, request: calls.ListContactsRequest, context: Any) -> calls.ListContactsResponse:
        answer: calls.ListContactsResponse = await self._list(Kind.CONTACT, request, calls.ListContactsResponse())
        return answer

    @override
    async def CreateContact(self, request: calls.CreateContactRequest, context: Any) -> contact_pb2.Contact:
        answer: contact_pb2.Contact = await self._create(Kind.CONTACT, request)
        return answer

    @override
    async def UpdateContact(self, request: calls.UpdateContactRequest, context: Any) -> contact_pb2.Contact:
        answer: contact_pb2.Contact = await self._update(Kind.CONTACT, request)
        return answer

    @override
    async def DeleteContact(self, request: calls.DeleteContactRequest, context: Any) -> Empty:
        answer: Empty = await self._delete(Kind.CONTACT, request)
        return answer

    @override
    async def GetProfile(self, request: calls.GetProfileRequest, context: Any) -> profile_pb2.Profile:
        answer: profile_pb2.Profile = await self._get(Kind.PROFILE, request)
        return answer

    @override
    async def ListProfiles(self, request: calls.ListProfilesRequest, context: Any) -> calls.ListProfilesResponse:
        answer: calls.ListProfilesResponse = await self._list(Kind.PROFILE, request, calls.ListProfilesResponse())
        return answer

    @override
    async def CreateProfile(self, request: calls.CreateProfileRequest, context: Any) -> profile_pb2.Profile:
        answer: profile_pb2.Profile = await self._create(Kind.PROFILE, request)
        return answer

    @override
    async def DeleteProfile(self, request: calls.DeleteProfileRequest, context: Any) -> Empty:
        await self._delete(Kind.PROFILE, request)
        return Empty()

    @override
    async def GetRule(self, request: calls.GetRuleRequest, context: Any) -> rule_pb2.Rule:
        answer: rule_pb2.Rule = await self._get(Kind.RULE, request)
        return answer

    @override
    async def ListRules(self, request: calls.ListRulesRequest, context: Any) -> calls.ListRulesResponse:
        answer: calls.ListRulesResponse = await self._list(Kind.RULE, request, calls.ListRulesResponse())
        return answer

    @override
    async def CreateRule(self, request: calls.CreateRuleRequest, context: Any) -> rule_pb2.Rule:
        answer: rule_pb2.Rule = await self._create(Kind.RULE, request)
        return answer

    @override
    async def UpdateRule(self, request: calls.UpdateRuleRequest, context: Any) -> rule_pb2.Rule:
        answer: rule_pb2.Rule = await self._update(Kind.RULE, request)
        return answer

    @override
    async def DeleteRule(self, request: calls.DeleteRuleRequest, context: Any) -> Empty:
        await self._delete(Kind.RULE, request)
        return Empty()

    @override
    async def ListResponsibleContacts(
        self, request: calls.ListResponsibleContactsRequest, context: Any
    ) -> calls.ListResponsibleContactsResponse:
        with _refusals():
            chosen = await self._directory.responsible(tuple(request.areas), roles_from(request.roles))
        contacts = [calls.ResponsibleContact(contact=to_message(one.contact), area=one.area) for one in chosen]
        return calls.ListResponsibleContactsResponse(contacts=contacts)
