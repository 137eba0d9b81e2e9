"""Who may call what: a bearer token, compared in constant time; denied by default as soon as a token is set."""

import hmac
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import grpc
from pydantic import SecretStr

from spikewatch.chassis.grpc.refusal import Refused

__all__ = ["AUTHORIZATION", "Authentication", "Permission", "permission_of"]

AUTHORIZATION: Final = "authorization"
_SCHEME: Final = "Bearer "
_HEALTH: Final = "/grpc.health.v1.Health/"  # probes carry no secret
_REFLECTION: Final = "/grpc.reflection."
_READS: Final = ("Get", "List")  # the standard methods that change nothing (AIP-131, 132)


class Permission(StrEnum):
    """What a token allows."""

    READ = "read"
    WRITE = "write"


def permission_of(method: str) -> Permission | None:
    """Return what a method (``/package.Service/Method``) needs; None for the open health check.

    A method with a verb that is not known to be a read counts as a write, so that a new one is closed until somebody decides.
    """
    if method.startswith(_HEALTH):
        return None
    if method.startswith(_REFLECTION) or method.rpartition("/")[2].startswith(_READS):
        return Permission.READ
    return Permission.WRITE


class Authentication:
    """The tokens of one server. Without any token every call is allowed: for a loopback address only."""

    def __init__(self, *, token: SecretStr | None, read_token: SecretStr | None = None) -> None:
        self._grants: list[tuple[bytes, frozenset[Permission]]] = []
        for secret, permissions in ((token, frozenset(Permission)), (read_token, frozenset({Permission.READ}))):
            if secret is not None:
                self._grants.append((secret.get_secret_value().encode(), permissions))

    def check(self, method: str, metadata: Iterable[tuple[str, str | bytes]]) -> None:
        """Return when the call is allowed.

        Raises:
            Refused: UNAUTHENTICATED without a known token, PERMISSION_DENIED when the token does not allow the method.
        """
        needed = permission_of(method)
        if needed is None or not self._grants:
            return
        given = next((value for key, value in metadata if key == AUTHORIZATION), "")
        text = given.decode(errors="replace") if isinstance(given, bytes) else given
        secret = text.removeprefix(_SCHEME).encode() if text.startswith(_SCHEME) else b""
        # Every token is compared, so that the time taken tells nothing about which one nearly matched.
        matches = [permissions for known, permissions in self._grants if hmac.compare_digest(known, secret)]
        if not matches:
            raise Refused(
                grpc.StatusCode.UNAUTHENTICATED,
                "send the metadata authorization: Bearer <token> with a valid token",
                reason="NO_VALID_TOKEN",
            )
        if not any(needed in permissions for permissions in matches):
            raise Refused(
                grpc.StatusCode.PERMISSION_DENIED,
                "this token may read only",
                reason="TOKEN_MAY_NOT_WRITE",
                metadata={"permission": needed.value},
            )
