"""How to reach Kafka: one reading of the settings, in the forms that aiokafka and FastStream take."""

import asyncio
import ssl
from dataclasses import dataclass
from typing import Any, Final

from faststream.security import BaseSecurity, SASLScram512

from spikewatch.chassis.settings import ChassisSettings

__all__ = ["KafkaConnection"]

_CONNECT_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class KafkaConnection:
    """Address and credentials of the cluster.

    Args:
        bootstrap: brokers as host:port.
        security: listener protocol; SASL always means SCRAM-SHA-512.
        client_id: shown in the broker's logs and quotas.
    """

    bootstrap: tuple[str, ...]
    client_id: str
    security: str = "PLAINTEXT"
    username: str | None = None
    password: str | None = None
    ca_file: str | None = None

    @classmethod
    def from_settings(cls, settings: ChassisSettings, client_id: str) -> "KafkaConnection":
        """Read the connection of a service."""
        return cls(
            bootstrap=tuple(part.strip() for part in settings.kafka_bootstrap.split(",")),
            client_id=client_id,
            security=settings.kafka_security,
            username=settings.kafka_username,
            password=settings.kafka_password.get_secret_value() if settings.kafka_password else None,
            ca_file=settings.kafka_ca_file,
        )

    def _tls(self) -> ssl.SSLContext | None:
        if not self.security.endswith("SSL"):
            return None
        context = ssl.create_default_context(cafile=self.ca_file)
        # Strimzi's cluster certificates lack what strict mode of Python 3.13 demands.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return context

    def aiokafka(self) -> dict[str, Any]:
        """Return the arguments of an aiokafka client."""
        arguments: dict[str, Any] = {
            "bootstrap_servers": list(self.bootstrap),
            "client_id": self.client_id,
            "security_protocol": self.security,
            # Short, so that a broker that comes back is used within a second.
            "retry_backoff_ms": 100,
        }
        if (tls := self._tls()) is not None:
            arguments["ssl_context"] = tls
        if self.security.startswith("SASL"):
            arguments |= {
                "sasl_mechanism": "SCRAM-SHA-512",
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return arguments

    async def answers(self) -> bool:
        """Return whether any broker of the bootstrap list takes connections now: a plain TCP connect, free of any client's state."""
        for address in self.bootstrap:
            host, _, port = address.rpartition(":")
            try:
                _, writer = await asyncio.wait_for(asyncio.open_connection(host, int(port)), _CONNECT_SECONDS)
            except (OSError, TimeoutError, ValueError):
                continue
            writer.close()
            return True
        return False

    def faststream(self) -> BaseSecurity | None:
        """Return FastStream's security object; None without TLS and SASL."""
        tls = self._tls()
        if self.security.startswith("SASL"):
            return SASLScram512(
                username=self.username or "", password=self.password or "", ssl_context=tls, use_ssl=self.security == "SASL_SSL"
            )
        return BaseSecurity(ssl_context=tls, use_ssl=True) if tls is not None else None
