import os
from uuid import UUID, uuid4

from spikewatch.ingest.domain.submission_id import SubmissionIds

IDS = SubmissionIds(bytes(32), os.urandom)


def test_an_issued_id_is_recognised_for_its_agency_only() -> None:
    for _ in range(50):
        issued = IDS.issue("cedar-ems")
        assert issued.version == 8
        assert IDS.issued("cedar-ems", issued)
        assert not IDS.issued("birch-police", issued)


def test_invented_ids_are_not_recognised() -> None:
    assert not any(IDS.issued("cedar-ems", uuid4()) for _ in range(200))
    issued = IDS.issue("cedar-ems")
    assert not IDS.issued("cedar-ems", UUID(int=issued.int ^ (1 << 100)))


def test_the_same_idempotency_key_gives_the_same_id_for_one_agency() -> None:
    assert IDS.issue("cedar-ems", "k") == IDS.issue("cedar-ems", "k")
    assert IDS.issue("cedar-ems", "k") != IDS.issue("birch-police", "k")
    assert IDS.issue("cedar-ems", "k") != IDS.issue("cedar-ems", "l")
    assert IDS.issue("cedar-ems") != IDS.issue("cedar-ems")
