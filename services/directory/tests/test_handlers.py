"""The whole gRPC surface on a real server on loopback, over the in-memory store."""

from collections.abc import AsyncIterator, Awaitable
from typing import Any

import grpc
import grpc.aio
import pytest
import pytest_asyncio
from google.protobuf.field_mask_pb2 import FieldMask
from pydantic import SecretStr
from typing_extensions import override

from spikewatch.api.directory.v1 import agency_pb2, contact_pb2, profile_pb2, provider_pb2, service_pb2
from spikewatch.api.directory.v1 import directory_service_pb2 as calls
from spikewatch.api.directory.v1.directory_service_pb2_grpc import DirectoryServiceStub, add_DirectoryServiceServicer_to_server
from spikewatch.chassis.clock import system_clock
from spikewatch.chassis.grpc.client import connect
from spikewatch.chassis.grpc.refusal import Explanation, explain
from spikewatch.chassis.grpc.server import make_server
from spikewatch.chassis.outcome import Transient
from spikewatch.directory.handlers import SERVICE_NAME, DirectoryServicer
from spikewatch.directory.ports import Stored
from spikewatch.directory.service import Directory
from spikewatch.directory.testing import InMemoryRecordStore

pytestmark = pytest.mark.asyncio(loop_scope="module")  # gRPC's poller is made for one loop a process (grpc#25364)
Code = grpc.StatusCode
TOKEN = SecretStr("a token for tests")
REQUEST_ID = "1b4e28ba-2fa1-4d2b-883f-0016d3cca427"


class FailingStore(InMemoryRecordStore):
    """Raises what it is told to."""

    failure: Exception | None = None

    @override
    async def get(self, name: str) -> Stored | None:
        if self.failure is not None:
            raise self.failure
        return await super().get(name)


@pytest_asyncio.fixture(loop_scope="module")
async def kept() -> FailingStore:
    return FailingStore()


@pytest_asyncio.fixture(loop_scope="module")
async def address(kept: FailingStore) -> AsyncIterator[str]:
    servicer = DirectoryServicer(Directory(kept, clock=system_clock, wake=lambda: None))
    server = make_server(token=TOKEN, reflection=True, names=(SERVICE_NAME,))
    port = await server.start(lambda server: add_DirectoryServiceServicer_to_server(servicer, server), "127.0.0.1", 0)
    yield f"127.0.0.1:{port}"
    await server.stop(0)


@pytest_asyncio.fixture(loop_scope="module")
async def stub(address: str) -> AsyncIterator[Any]:
    async with connect(address, token=TOKEN) as channel:
        yield DirectoryServiceStub(channel)


async def refused(call: Awaitable[Any]) -> Explanation:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return explain(caught.value)


def agency(**fields: Any) -> agency_pb2.Agency:
    values: dict[str, Any] = {"display_name": "Cedar EMS", "source_type": agency_pb2.SOURCE_TYPE_EMS}
    return agency_pb2.Agency(**(values | fields))


async def create(stub: Any, agency_id: str = "cedar-ems", request_id: str = "", **fields: Any) -> agency_pb2.Agency:
    made = await stub.CreateAgency(calls.CreateAgencyRequest(agency_id=agency_id, agency=agency(**fields), request_id=request_id))
    assert isinstance(made, agency_pb2.Agency)
    return made


async def test_an_agency_is_created_read_changed_and_deleted(stub: Any) -> None:
    made = await create(stub, county_fips="42091", areas=["county:42091"])
    assert (made.name, made.agency_id, made.version) == ("agencies/cedar-ems", "cedar-ems", 1)
    assert (made.state, made.time_zone) == (agency_pb2.AGENCY_STATE_ACTIVE, "")
    assert await stub.GetAgency(calls.GetAgencyRequest(name=made.name)) == made
    change = agency_pb2.Agency(name=made.name, etag=made.etag, state=agency_pb2.AGENCY_STATE_SUSPENDED, display_name="not in the mask")
    changed = await stub.UpdateAgency(calls.UpdateAgencyRequest(agency=change, update_mask=FieldMask(paths=["state"])))
    assert (changed.state, changed.display_name, changed.version) == (agency_pb2.AGENCY_STATE_SUSPENDED, "Cedar EMS", 2)
    assert changed.etag != made.etag
    await stub.DeleteAgency(calls.DeleteAgencyRequest(name=made.name, etag=changed.etag))
    assert (await refused(stub.GetAgency(calls.GetAgencyRequest(name=made.name)))).code is Code.NOT_FOUND
    again = await create(stub)
    assert again.version == 4  # versions never repeat, so neither do event ids


async def test_the_other_kinds_work_the_same(stub: Any) -> None:
    await stub.CreateProvider(
        calls.CreateProviderRequest(provider_id="p", provider=provider_pb2.Provider(display_name="Recovery", website="https://a.example"))
    )
    draft = service_pb2.Service(
        display_name="Start",
        status=service_pb2.SERVICE_STATUS_TEMPORARILY_CLOSED,
        categories=["naloxone"],
        lat=0.0,
        lon=-75.3,
        assured_date="2026-05-01",
    )
    service = await stub.CreateService(calls.CreateServiceRequest(parent="providers/p", service_id="s", service=draft))
    assert (service.name, service.provider) == ("providers/p/services/s", "providers/p")
    assert service.HasField("lat")  # zero is a place, not an absence
    assert service.status == service_pb2.SERVICE_STATUS_TEMPORARILY_CLOSED
    listed = await stub.ListServices(calls.ListServicesRequest(parent="providers/-", filter='categories:"naloxone"'))
    assert list(listed.services) == [service]
    told = await refused(stub.DeleteProvider(calls.DeleteProviderRequest(name="providers/p")))
    assert (told.code, told.reason) == (Code.FAILED_PRECONDITION, "HAS_CHILDREN")
    await stub.DeleteService(calls.DeleteServiceRequest(name=service.name))
    await stub.DeleteProvider(calls.DeleteProviderRequest(name="providers/p"))
    assert not (await stub.ListProviders(calls.ListProvidersRequest())).providers


async def test_pages_follow_each_other(stub: Any) -> None:
    for number in range(5):
        await create(stub, f"a{number}")
    names, token, sizes = [], "", []
    while True:
        page = await stub.ListAgencies(calls.ListAgenciesRequest(page_size=2, page_token=token))
        names += [one.agency_id for one in page.agencies]
        sizes.append(len(page.agencies))
        if not (token := page.next_page_token):
            break
    assert (names, sizes) == ([f"a{number}" for number in range(5)], [2, 2, 1])
    assert len((await stub.ListAgencies(calls.ListAgenciesRequest(page_size=1_000_000))).agencies) == 5


async def test_a_repeated_create_returns_what_the_first_made(stub: Any) -> None:
    made = await create(stub, request_id=REQUEST_ID)
    assert await create(stub, request_id=REQUEST_ID) == made
    other = calls.CreateAgencyRequest(agency_id="cedar-ems", agency=agency(display_name="Other"), request_id=REQUEST_ID)
    assert (await refused(stub.CreateAgency(other))).code is Code.ALREADY_EXISTS
    await stub.DeleteAgency(calls.DeleteAgencyRequest(name=made.name))
    late = calls.CreateAgencyRequest(agency_id="cedar-ems", agency=agency(), request_id=REQUEST_ID)
    assert (await refused(stub.CreateAgency(late))).code is Code.NOT_FOUND  # a late retry does not bring it back


async def test_a_taken_name_is_refused(stub: Any) -> None:
    await create(stub)
    told = await refused(create(stub))
    assert (told.code, told.reason) == (Code.ALREADY_EXISTS, "NAME_TAKEN")


async def test_a_removed_version_of_a_profile_is_refused_other_content_and_the_refusal_says_what_to_do(stub: Any) -> None:
    def request(content: str) -> calls.CreateProfileRequest:
        profile = profile_pb2.Profile(display_name="Tablet", profile="tablet-export", profile_version=1, content=content)
        return calls.CreateProfileRequest(parent="agencies/cedar-ems", profile_id="tablet-export-v1", profile=profile)

    await create(stub)
    made = await stub.CreateProfile(request("name: tablet-export"))
    await stub.DeleteProfile(calls.DeleteProfileRequest(name=made.name))
    told = await refused(stub.CreateProfile(request("name: something-else")))
    assert (told.code, told.reason) == (Code.ALREADY_EXISTS, "PROFILE_VERSION_SPENT")
    assert "count `version` in the profile up" in told.message
    assert "something-else" not in told.message
    assert (await stub.CreateProfile(request("name: tablet-export"))).content == made.content


@pytest.mark.parametrize("method", ["UpdateAgency", "DeleteAgency"])
async def test_a_stale_etag_is_aborted(stub: Any, method: str) -> None:
    made = await create(stub)
    await stub.UpdateAgency(calls.UpdateAgencyRequest(agency=agency(name=made.name, display_name="New")))
    stale = {
        "UpdateAgency": calls.UpdateAgencyRequest(agency=agency(name=made.name, etag=made.etag, display_name="Newer")),
        "DeleteAgency": calls.DeleteAgencyRequest(name=made.name, etag=made.etag),
    }
    told = await refused(getattr(stub, method)(stale[method]))
    assert (told.code, told.reason) == (Code.ABORTED, "ETAG_MISMATCH")


async def test_an_update_that_changes_nothing_is_no_change(stub: Any, kept: FailingStore) -> None:
    made = await create(stub)
    assert await stub.UpdateAgency(calls.UpdateAgencyRequest(agency=made)) == made
    assert len(await kept.waiting(10)) == 1


async def test_a_mask_clears_and_a_star_replaces(stub: Any) -> None:
    made = await create(stub, county_fips="42091", areas=["county:42091"])
    bare = agency_pb2.Agency(name=made.name)
    cleared = await stub.UpdateAgency(calls.UpdateAgencyRequest(agency=bare, update_mask=FieldMask(paths=["areas"])))
    assert (list(cleared.areas), cleared.county_fips) == ([], "42091")
    whole = calls.UpdateAgencyRequest(agency=agency(name=made.name), update_mask=FieldMask(paths=["*"]))
    assert not (await stub.UpdateAgency(whole)).HasField("county_fips")


async def test_an_update_may_create(stub: Any) -> None:
    wanted = agency(name="agencies/new")
    assert (await refused(stub.UpdateAgency(calls.UpdateAgencyRequest(agency=wanted)))).code is Code.NOT_FOUND
    made = await stub.UpdateAgency(calls.UpdateAgencyRequest(agency=wanted, allow_missing=True))
    assert (made.agency_id, made.version) == ("new", 1)


A = "agencies/x"


@pytest.mark.parametrize(
    ("method", "request_", "field"),
    [
        ("GetAgency", calls.GetAgencyRequest(name="providers/x"), "name"),
        ("GetAgency", calls.GetAgencyRequest(), "name"),
        ("ListAgencies", calls.ListAgenciesRequest(page_size=-1), "page_size"),
        ("ListAgencies", calls.ListAgenciesRequest(page_token="x"), "page_token"),
        ("ListAgencies", calls.ListAgenciesRequest(page_token="WyJhIiwgImIiXQ"), "page_token"),
        ("ListAgencies", calls.ListAgenciesRequest(filter="secret"), "filter"),
        ("ListAgencies", calls.ListAgenciesRequest(filter="etag = 1"), "filter"),
        ("ListServices", calls.ListServicesRequest(), "parent"),
        ("ListContacts", calls.ListContactsRequest(parent="agencies/x/contacts/y"), "parent"),
        ("CreateAgency", calls.CreateAgencyRequest(agency_id="No Id", agency=agency()), "agency_id"),
        ("CreateAgency", calls.CreateAgencyRequest(agency_id="x", agency=agency(), request_id="1"), "request_id"),
        ("CreateAgency", calls.CreateAgencyRequest(agency_id="x", agency=agency(time_zone="Mars")), "agency.time_zone"),
        ("CreateAgency", calls.CreateAgencyRequest(agency_id="x", agency=agency(county_fips="42")), "agency.county_fips"),
        ("CreateAgency", calls.CreateAgencyRequest(agency_id="x", agency=agency(areas=["Cedar"])), "agency.areas"),
        ("CreateAgency", calls.CreateAgencyRequest(agency_id="x", agency=agency(display_name="")), "agency.display_name"),
        ("CreateAgency", calls.CreateAgencyRequest(agency_id="x", agency=agency(source_type=77)), "agency.source_type"),
        ("UpdateAgency", calls.UpdateAgencyRequest(agency=agency(name=A), update_mask=FieldMask(paths=["etag"])), "update_mask"),
        ("UpdateAgency", calls.UpdateAgencyRequest(agency=agency(name=A), update_mask=FieldMask(paths=["no.such"])), "update_mask"),
        ("ListResponsibleContacts", calls.ListResponsibleContactsRequest(), "areas"),
        ("ListResponsibleContacts", calls.ListResponsibleContactsRequest(areas=["x"]), "areas"),
        ("ListResponsibleContacts", calls.ListResponsibleContactsRequest(areas=["zip:1"], roles=[0]), "roles"),  # type: ignore[list-item]  # a number is an enum on the wire
    ],
)
async def test_bad_input_names_the_field(stub: Any, method: str, request_: Any, field: str) -> None:
    told = await refused(getattr(stub, method)(request_))
    assert (told.code, told.reason) == (Code.INVALID_ARGUMENT, "INVALID_FIELDS")
    assert [name for name, _ in told.violations] == [field]
    assert "secret" not in told.message


async def test_all_fields_at_fault_are_told_at_once(stub: Any) -> None:
    bad = contact_pb2.Contact(email="personal", areas=["x"])
    told = await refused(stub.CreateContact(calls.CreateContactRequest(parent="agencies/x", contact_id="c", contact=bad)))
    assert told.code is Code.NOT_FOUND  # a parent that is missing comes first
    await create(stub, "x")
    told = await refused(stub.CreateContact(calls.CreateContactRequest(parent="agencies/x", contact_id="c", contact=bad)))
    fields = {name for name, _ in told.violations}
    assert fields == {f"contact.{name}" for name in ("display_name", "organization", "role", "email", "areas")}
    assert "personal" not in told.message


async def test_the_most_specific_area_answers_for_each_role(stub: Any) -> None:
    await create(stub, "county")
    await create(stub, "state")
    for parent, contact_id, role, area in (
        ("county", "desk", contact_pb2.CONTACT_ROLE_DUTY_DESK, "county:42091"),
        ("state", "desk", contact_pb2.CONTACT_ROLE_DUTY_DESK, "state:42"),
        ("state", "analyst", contact_pb2.CONTACT_ROLE_PUBLIC_HEALTH_ANALYST, "state:42"),
    ):
        contact = contact_pb2.Contact(display_name="Desk", organization="Health", role=role, areas=[area])
        await stub.CreateContact(calls.CreateContactRequest(parent=f"agencies/{parent}", contact_id=contact_id, contact=contact))
    areas = ["zip:19401", "county:42091", "state:42"]
    answer = await stub.ListResponsibleContacts(calls.ListResponsibleContactsRequest(areas=areas))
    assert [(one.contact.name, one.area) for one in answer.contacts] == [
        ("agencies/state/contacts/analyst", "state:42"),
        ("agencies/county/contacts/desk", "county:42091"),
    ]
    desks = calls.ListResponsibleContactsRequest(areas=areas, roles=[contact_pb2.CONTACT_ROLE_DUTY_DESK])
    assert [one.contact.parent for one in (await stub.ListResponsibleContacts(desks)).contacts] == ["agencies/county"]


async def test_without_a_token_nothing_is_told(address: str) -> None:
    async with connect(address) as channel:
        told = await refused(DirectoryServiceStub(channel).GetAgency(calls.GetAgencyRequest(name="agencies/x")))
    assert told.code is Code.UNAUTHENTICATED


async def test_a_store_that_is_away_is_unavailable_and_a_fault_is_internal(stub: Any, kept: FailingStore) -> None:
    kept.failure = Transient("mongodb: gone")
    assert (await refused(stub.GetAgency(calls.GetAgencyRequest(name="agencies/x")))).code is Code.UNAVAILABLE
    kept.failure = KeyError("agencies/x")
    told = await refused(stub.GetAgency(calls.GetAgencyRequest(name="agencies/x")))
    assert told.code is Code.INTERNAL
    assert "agencies/x" not in told.message
