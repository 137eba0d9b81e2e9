"""Contacts never delay or block an alert: cached, then last known, then none."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial

import grpc
import grpc.aio
import pytest
from spikewatch_testing.patience import PATIENCE_S

from spikewatch.alerts.adapters.contact_book import AskedContactBook, NoContactBook, Unavailable
from spikewatch.alerts.adapters.grpc_directory import GrpcDirectory
from spikewatch.api.directory.v1 import contact_pb2, directory_service_pb2, directory_service_pb2_grpc
from spikewatch.chassis.grpc.client import connect
from spikewatch.chassis.outcome import Transient
from spikewatch.contracts.alert import AlertContact

DESK = AlertContact(name="agencies/a/contacts/c", organization="Cedar County Health", role="duty_desk")
AREAS = ["zip:19401", "county:42091"]


class Directory:
    def __init__(self) -> None:
        self.calls = 0
        self.is_away = False

    async def list_responsible(self, areas):
        self.calls += 1
        if self.is_away:
            raise Unavailable
        return (DESK,)


class Memory:
    def __init__(self) -> None:
        self.answers: dict[str, tuple[AlertContact, ...]] = {}
        self.is_away = False

    async def recall(self, key):
        if self.is_away:
            raise Transient
        return self.answers.get(key)

    async def remember(self, key, contacts):
        if self.is_away:
            raise Transient
        self.answers[key] = contacts


@pytest.fixture
def clockwork():
    directory, memory, elapsed = Directory(), Memory(), [0.0]

    def book() -> AskedContactBook:
        return AskedContactBook(directory, memory, ttl_seconds=60, elapsed=lambda: elapsed[0])

    return directory, memory, elapsed, book


async def test_an_answer_is_used_again_until_it_is_too_old(clockwork):
    directory, _, elapsed, make_book = clockwork
    book = make_book()
    assert [await book.responsible(AREAS) for _ in range(3)] == [(DESK,)] * 3
    assert directory.calls == 1
    elapsed[0] = 61
    await book.responsible(AREAS)
    assert directory.calls == 2


async def test_the_last_known_answer_stands_in_after_a_restart_and_nobody_asks_for_a_while(clockwork):
    directory, memory, elapsed, make_book = clockwork
    await make_book().responsible(AREAS)
    directory.is_away = True
    book = make_book()
    assert [await book.responsible(AREAS) for _ in range(3)] == [(DESK,)] * 3
    assert directory.calls == 2
    assert await book.responsible(["state:42"]) == ()
    assert directory.calls == 2
    elapsed[0] = 6
    await book.responsible(AREAS)
    assert directory.calls == 3
    memory.is_away = True
    assert await book.responsible(AREAS) == ()


async def test_a_memory_that_is_away_does_not_matter_while_the_directory_answers(clockwork):
    _, memory, _, make_book = clockwork
    memory.is_away = True
    assert await make_book().responsible(AREAS) == (DESK,)


async def test_without_a_directory_there_are_no_contacts():
    assert await NoContactBook().responsible(AREAS) == ()


class Servicer(directory_service_pb2_grpc.DirectoryServiceServicer):
    def __init__(self) -> None:
        self.is_slow = False
        self.asked: list[list[str]] = []

    async def ListResponsibleContacts(self, request, context):  # noqa: N802  # gRPC's name
        self.asked.append(list(request.areas))
        if self.is_slow:
            await asyncio.Event().wait()
        contact = contact_pb2.Contact(
            name="agencies/a/contacts/c",
            organization="Cedar County Health",
            role=contact_pb2.CONTACT_ROLE_DUTY_DESK,
            email="desk@health.example",
        )
        found = directory_service_pb2.ResponsibleContact(contact=contact, area=request.areas[0])
        return directory_service_pb2.ListResponsibleContactsResponse(contacts=[found])


@pytest.fixture
async def served() -> AsyncIterator[tuple[Servicer, Callable[..., GrpcDirectory]]]:
    server, servicer = grpc.aio.server(), Servicer()
    directory_service_pb2_grpc.add_DirectoryServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    channel = connect(f"127.0.0.1:{port}")
    yield servicer, partial(GrpcDirectory, channel)
    await channel.close()
    await server.stop(None)


async def test_contacts_come_over_grpc(served):
    servicer, make = served
    assert await make(timeout_seconds=PATIENCE_S).list_responsible(AREAS) == (DESK.model_copy(update={"email": "desk@health.example"}),)
    assert servicer.asked == [AREAS]


async def test_a_slow_directory_is_given_up(served):
    servicer, make = served
    servicer.is_slow = True
    with pytest.raises(Unavailable):
        await make(timeout_seconds=0.2).list_responsible(AREAS)
