"""How a call is refused: a status code, a stable reason, and the fields at fault, as google.rpc details (AIP-193)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any as Packed
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]  # its stubs come without a py.typed marker

__all__ = ["DETAILS_KEY", "ERROR_DOMAIN", "Explanation", "Refused", "Violation", "explain"]

ERROR_DOMAIN: Final = "spikewatch.org"
DETAILS_KEY: Final = "grpc-status-details-bin"  # where every gRPC library looks for google.rpc.Status


@dataclass(frozen=True, slots=True)
class Violation:
    """One field at fault. The text never holds the value, which may be personal."""

    field: str
    problem: str
    expected: str = ""
    example: str = ""

    @property
    def description(self) -> str:
        """The sentence that travels in google.rpc.BadRequest."""
        expected = f"; expected {self.expected}" if self.expected else ""
        return f"{self.problem}{expected}" + (f", for example {self.example}" if self.example else "")


class Refused(Exception):  # noqa: N818  # named by its consequence: the call is answered with this status
    """The call cannot be done as asked. It is not retried by us; the code tells a client whether it may."""

    def __init__(
        self,
        code: grpc.StatusCode,
        message: str,
        *,
        reason: str,
        metadata: Mapping[str, str] | None = None,
        violations: Sequence[Violation] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.violations = tuple(violations)

    def details(self) -> bytes:
        """Return the serialised google.rpc.Status with ErrorInfo and, where fields are at fault, BadRequest."""
        parts = [error_details_pb2.ErrorInfo(reason=self.reason, domain=ERROR_DOMAIN, metadata=self.metadata)]
        if self.violations:
            fields = [error_details_pb2.BadRequest.FieldViolation(field=one.field, description=one.description) for one in self.violations]
            parts.append(error_details_pb2.BadRequest(field_violations=fields))
        status = status_pb2.Status(code=self.code.value[0], message=self.message)
        for part in parts:
            packed = Packed()
            packed.Pack(part)
            status.details.append(packed)
        return bytes(status.SerializeToString())


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a refused call tells its client."""

    code: grpc.StatusCode
    message: str
    reason: str | None = None
    violations: tuple[tuple[str, str], ...] = ()
    """Pairs of field and description."""


def explain(error: grpc.aio.AioRpcError) -> Explanation:
    """Read the details of a failed call; details that cannot be read are left out."""
    reason: str | None = None
    violations: list[tuple[str, str]] = []
    raw = next((value for key, value in error.trailing_metadata() or () if key == DETAILS_KEY), None)
    if isinstance(raw, bytes):
        status = status_pb2.Status.FromString(raw)
        for packed in status.details:
            if packed.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
                reason = error_details_pb2.ErrorInfo.FromString(packed.value).reason
            elif packed.Is(error_details_pb2.BadRequest.DESCRIPTOR):
                bad = error_details_pb2.BadRequest.FromString(packed.value)
                violations.extend((one.field, one.description) for one in bad.field_violations)
    return Explanation(error.code(), error.details() or "", reason, tuple(violations))
