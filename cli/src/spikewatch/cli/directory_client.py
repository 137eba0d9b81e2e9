"""The directory over gRPC as the verb uses it: records in and out, refusals as one sentence."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import grpc
import grpc.aio
from google.protobuf.field_mask_pb2 import FieldMask
from pydantic import SecretStr

from spikewatch.api.directory.v1 import directory_service_pb2 as calls
from spikewatch.api.directory.v1.directory_service_pb2_grpc import DirectoryServiceStub
from spikewatch.chassis.grpc.client import connect
from spikewatch.chassis.grpc.refusal import explain
from spikewatch.cli.exit_status import CannotRun
from spikewatch.directory.domain.names import Kind
from spikewatch.directory.domain.records import Record
from spikewatch.directory.domain.refusals import InvalidFields
from spikewatch.directory.wire import message_from, record_from

__all__ = ["PARENTS", "DirectoryClient", "RecordRefused", "in_directory"]

_DEADLINE: Final = timedelta(seconds=10)
_PAGE: Final = 500
_PAGE_OF_DOCUMENTS: Final = 25  # of at most 64 K characters, so that a page stays below the 4 MB of an answer
_WITH_DOCUMENTS: Final = (Kind.PROFILE, Kind.RULE)
_AWAY: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})
_FORBIDDEN: Final = frozenset({grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED})
_SERVICE: Final = calls.DESCRIPTOR.services_by_name["DirectoryService"]
# An update repeated after a lost answer changes nothing, or is told that the etag is stale; a create would be told that the name is taken.
_REPEATABLE: Final = tuple(
    f"{_SERVICE.full_name}/{method.name}" for method in _SERVICE.methods if method.name.startswith(("Get", "List", "Update"))
)
PARENTS: Final = {Kind.SERVICE: ("providers/-",), Kind.CONTACT: ("agencies/-", "providers/-"), Kind.PROFILE: ("agencies/-",)}
"""The parents to ask, so that every record of a kind is listed."""


class RecordRefused(Exception):  # noqa: N818  # named by its consequence
    """The directory refused one record.

    Attributes:
        violations: pairs of field and what was wrong with it, without the value.
    """

    def __init__(self, sentence: str, violations: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(sentence)
        self.violations = tuple(violations)


class DirectoryClient:
    """Calls one directory. Every method raises ``RecordRefused``, or ``CannotRun`` when the directory cannot be asked at all."""

    def __init__(self, channel: grpc.aio.Channel, address: str) -> None:
        self._stub: Any = DirectoryServiceStub(channel)
        self._address = address

    async def _call(self, method: str, request: Any) -> Any:
        try:
            return await getattr(self._stub, method)(request)
        except grpc.aio.AioRpcError as error:
            told = explain(error)
            if told.code in _FORBIDDEN:
                raise CannotRun(f"the directory refused the token: {told.message}; set SPIKEWATCH_DIRECTORY_TOKEN") from None
            if told.code in _AWAY:
                raise CannotRun(
                    f"the directory at {self._address} does not answer; start it with `spikewatch up`, or name another with --address"
                ) from None
            raise RecordRefused(told.message or told.code.name, told.violations) from None

    async def get(self, kind: Kind, name: str) -> Record:
        """Return one record."""
        return record_from(kind, await self._call(f"Get{kind.title()}", getattr(calls, f"Get{kind.title()}Request")(name=name)))

    async def records(self, kind: Kind, *, parents: Sequence[str] = (), query: str = "") -> AsyncIterator[Record]:
        """Yield every record of a kind, by name below each parent."""
        plural = kind.collection.title()
        request_type = getattr(calls, f"List{plural}Request")
        size = _PAGE_OF_DOCUMENTS if kind in _WITH_DOCUMENTS else _PAGE
        for parent in [{"parent": one} for one in parents or PARENTS.get(kind, ())] or [{}]:
            token = ""
            while True:
                page = await self._call(f"List{plural}", request_type(page_size=size, page_token=token, filter=query, **parent))
                for message in getattr(page, kind.collection):
                    yield record_from(kind, message)
                if not (token := page.next_page_token):
                    break

    async def create(self, kind: Kind, fields: Mapping[str, Any]) -> Record:
        """Add the record of ``fields["name"]``."""
        owner, _, own = str(fields["name"]).rpartition("/")
        parent = {"parent": owner.rpartition("/")[0]} if kind.parents else {}
        request = getattr(calls, f"Create{kind.title()}Request")(**{f"{kind}_id": own, kind.value: _message(kind, fields)}, **parent)
        return record_from(kind, await self._call(f"Create{kind.title()}", request))

    async def update(self, kind: Kind, fields: Mapping[str, Any], *, mask: Sequence[str], etag: str = "") -> Record:
        """Change the fields of the mask of the record of ``fields["name"]``."""
        return await self._update(kind, fields, mask, etag, allow_missing=False)

    async def upsert(self, kind: Kind, fields: Mapping[str, Any]) -> Record:
        """Make the record of ``fields["name"]`` what the fields say, whether it exists or not; a profile never changes."""
        if kind is Kind.PROFILE:
            return await self._put_profile(fields)
        return await self._update(kind, fields, ("*",), "", allow_missing=True)

    async def _put_profile(self, fields: Mapping[str, Any]) -> Record:
        try:
            return await self.create(Kind.PROFILE, fields)
        except RecordRefused as refused:
            try:
                known = await self.get(Kind.PROFILE, str(fields["name"]))
            except RecordRefused:
                raise refused from None
            if getattr(known, "content", None) != fields.get("content"):
                text = "is there with other content, and a version never changes; raise the version"
                raise RecordRefused(f"this version {text}", [("profile.content", text)]) from None
            return known

    async def _update(self, kind: Kind, fields: Mapping[str, Any], mask: Sequence[str], etag: str, *, allow_missing: bool) -> Record:
        message = _message(kind, fields)
        message.etag = etag
        request_type = getattr(calls, f"Update{kind.title()}Request")
        request = request_type(**{kind.value: message}, update_mask=FieldMask(paths=mask), allow_missing=allow_missing)
        return record_from(kind, await self._call(f"Update{kind.title()}", request))

    async def delete(self, kind: Kind, name: str, *, etag: str = "") -> None:
        """Remove a record."""
        await self._call(f"Delete{kind.title()}", getattr(calls, f"Delete{kind.title()}Request")(name=name, etag=etag))

    async def responsible(self, areas: Sequence[str]) -> list[tuple[Record, str]]:
        """Return who answers for a place, with the area each was chosen for."""
        answer = await self._call("ListResponsibleContacts", calls.ListResponsibleContactsRequest(areas=areas))
        return [(record_from(Kind.CONTACT, one.contact), one.area) for one in answer.contacts]


def _message(kind: Kind, fields: Mapping[str, Any]) -> Any:
    try:
        return message_from(kind, fields)
    except InvalidFields as error:
        violations = [
            (one.field, f"{one.problem}; expected {one.expected}" + (f", for example {one.example}" if one.example else ""))
            for one in error.problems
        ]
        raise RecordRefused("; ".join(f"{field} {text}" for field, text in violations), violations) from None


@asynccontextmanager
async def _client(address: str, token: str | None) -> AsyncIterator[DirectoryClient]:
    secret = SecretStr(token) if token else None
    async with connect(address, token=secret, deadline=_DEADLINE, idempotent=_REPEATABLE) as channel:
        yield DirectoryClient(channel, address)


def in_directory(address: str, token: str | None, work: Callable[[DirectoryClient], Any]) -> Any:
    """Run a coroutine function with a client, on an event loop of its own.

    Raises:
        CannotRun: the directory cannot be asked, or refused the only record it was asked about.
    """

    async def run() -> Any:
        async with _client(address, token) as client:
            return await work(client)

    try:
        return asyncio.run(run())
    except RecordRefused as error:
        raise CannotRun(f"the directory refused it: {error}") from None
