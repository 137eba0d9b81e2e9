"""Who may connect to the MLLP listener: client certificates, and the settings that say so."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import ValidationError
from spikewatch_testing.mllp import GOOD, Listening

from spikewatch.ingest.adapters.mllp import server_tls
from spikewatch.ingest.mllp_settings import MllpSettings


def certificate(folder: Path, name: str, issuer: tuple[Any, Any] | None = None) -> tuple[Any, Any]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer = issuer[0] if issuer else key
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[1].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    (folder / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    (folder / f"{name}.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return key, made


async def test_tls_with_client_certificates(listening: Listening, connect: Any, tmp_path: Path) -> None:
    authority = certificate(tmp_path, "authority")
    certificate(tmp_path, "server", authority)
    certificate(tmp_path, "client", authority)
    path = {name: str(tmp_path / name) for name in ("authority.pem", "server.pem", "server.key", "client.pem", "client.key")}
    await listening.start(server_tls(path["server.pem"], path["server.key"], path["authority.pem"]))
    context = ssl.create_default_context(cafile=path["authority.pem"])

    async def without_certificate() -> None:
        stranger = await connect(context)
        stranger.send(GOOD)
        await stranger.answer()

    with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
        await without_certificate()
    context.load_cert_chain(path["client.pem"], path["client.key"])
    known = await connect(context)
    known.send(GOOD)
    assert (await known.answer())[1][1] == "AA"


BASE: dict[str, Any] = {"kafka_bootstrap": "127.0.0.1:9092", "mongodb_uri": "mongodb://127.0.0.1"}


def test_the_listener_is_off_by_default_and_senders_are_folded() -> None:
    assert MllpSettings(**BASE).ingest_mllp_port is None
    settings = MllpSettings(**BASE, ingest_mllp_senders={" Cedar Hospital ": "cedar-hospital"}, ingest_mllp_port=2575)
    assert settings.ingest_mllp_senders == {"cedar hospital": "cedar-hospital"}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"ingest_mllp_port": 2575}, "nobody may send"),
        ({"ingest_mllp_agency": "Cedar Hospital"}, "no agency id"),
        ({"ingest_mllp_senders": {"a": "Cedar"}}, "no agency id"),
        ({"ingest_mllp_senders": {" ": "cedar"}}, "empty facility"),
        ({"ingest_mllp_senders": {"A": "cedar", "a": "birch"}}, "twice"),
        ({"ingest_mllp_host": "0.0.0.0", "ingest_mllp_agency": "a", "ingest_mllp_port": 1}, "not loopback"),  # noqa: S104  # the point
        ({"ingest_mllp_tls_cert_file": "a.pem"}, "belongs together"),
        ({"ingest_mllp_tls_client_ca_file": "a.pem"}, "certificate file too"),
    ],
)
def test_settings_that_do_not_fit_are_told(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        MllpSettings(**{**BASE, **changed})
