import asyncio
import datetime as dt
import ipaddress
import ssl

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from spikewatch_testing.patience import PATIENCE_S

from spikewatch.chassis.http import HttpServer


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for loopback that nobody else trusts."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway.example.org")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "cert.pem", folder / "key.pem"


class Slow:
    """Answers when it is told to."""

    def __init__(self):
        self.arrived, self.may_answer = asyncio.Event(), asyncio.Event()

    async def __call__(self, scope, receive, send):
        self.arrived.set()
        await self.may_answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["scheme"].encode()})


async def test_https_is_spoken_with_the_files_given(certificate):
    app = Slow()
    app.may_answer.set()
    cert, key = certificate
    server = HttpServer(app, host="127.0.0.1", port=0, drain_seconds=2, certificate=str(cert), key=str(key))
    await server.start()
    try:
        async with httpx.AsyncClient(verify=ssl.create_default_context(cafile=str(cert))) as client:
            answer = await client.get(f"https://127.0.0.1:{server.port}/")
            assert answer.text == "https"
            with pytest.raises(httpx.HTTPError):
                await client.get(f"http://127.0.0.1:{server.port}/")
    finally:
        await server.stop()


async def test_a_stop_finishes_the_running_request_and_takes_no_new_one():
    app = Slow()
    server = HttpServer(app, host="127.0.0.1", port=0, drain_seconds=PATIENCE_S)
    await server.start()
    async with httpx.AsyncClient() as client:
        running = asyncio.create_task(client.get(f"http://127.0.0.1:{server.port}/"))
        await app.arrived.wait()
        stopping = asyncio.create_task(server.stop())
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while asyncio.get_running_loop().time() < deadline:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            except ConnectionError:
                break
            writer.close()
            await asyncio.sleep(0.02)
        else:
            pytest.fail("the port still takes connections")
        app.may_answer.set()
        assert (await running).status_code == 200
        await stopping
