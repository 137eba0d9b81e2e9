import os

import pytest

from spikewatch.chassis.outcome import Reason
from spikewatch.ingest.domain.rejection import Fault
from spikewatch.ingest.domain.seal import Broken, Kind, Seals, master_secret

BOUND = {"ce_id": "1", "ce_source": "/agencies/a", "content_type": "application/json"}


def test_what_is_sealed_opens_under_the_same_agency_and_kind_only() -> None:
    seals = Seals(bytes(32), os.urandom)
    sealed = seals.seal(Kind.GATEWAY, "a", b"body", **BOUND)
    assert seals.open(Kind.GATEWAY, "a", sealed, **BOUND) == b"body"
    assert b"body" not in sealed
    for kind, agency in ((Kind.AGENCY, "a"), (Kind.QUARANTINE, "a"), (Kind.GATEWAY, "b")):
        with pytest.raises(Broken):
            seals.open(kind, agency, sealed, **BOUND)


@pytest.mark.parametrize("name", BOUND)
def test_a_sealed_body_does_not_open_beside_other_attributes(name: str) -> None:
    seals = Seals(bytes(32), os.urandom)
    sealed = seals.seal(Kind.GATEWAY, "a", b"body", **BOUND)
    with pytest.raises(Broken):
        seals.open(Kind.GATEWAY, "a", sealed, **(BOUND | {name: "other"}))


@pytest.mark.parametrize("cut", [0, 11, 27])
def test_what_is_too_short_to_be_sealed_does_not_open(cut: int) -> None:
    seals = Seals(bytes(32), os.urandom)
    with pytest.raises(Broken):
        seals.open(Kind.GATEWAY, "a", bytes(cut), **BOUND)


def test_an_agencys_own_key_seals_without_the_master_secret() -> None:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    seals = Seals(bytes(32), os.urandom)
    bound = b"".join(len(part).to_bytes(4) + part for part in (b"1", b"/agencies/a", b"application/json"))
    sealed = bytes(12) + AESGCM(seals.key(Kind.AGENCY, "a")).encrypt(bytes(12), b"body", bound)
    assert seals.open(Kind.AGENCY, "a", sealed, **BOUND) == b"body"


@pytest.mark.parametrize("text", ["", "short", "AAAA", "not base64!" * 4])
def test_a_master_secret_of_another_length_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="base64"):
        master_secret(text)


def test_every_fault_is_a_reason_of_a_dead_letter() -> None:
    assert {fault.value for fault in Fault} <= {reason.value for reason in Reason}
