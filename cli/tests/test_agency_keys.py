import base64
import json
import os
import uuid

import pytest

from spikewatch.cli.main import main
from spikewatch.ingest.domain.api_key import digest_of


def test_without_a_database_or_a_secret_the_verb_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SPIKEWATCH_MONGODB_URI", raising=False)
    monkeypatch.delenv("SPIKEWATCH_INGEST_SEAL_KEY", raising=False)
    for arguments in (["issue", "cedar-ems"], ["seal-key", "cedar-ems"]):
        assert main(["agency-keys", *arguments]) == 2
        assert "SPIKEWATCH_" in capsys.readouterr().err


def test_a_sealing_key_belongs_to_its_agency(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("SPIKEWATCH_INGEST_SEAL_KEY", base64.b64encode(bytes(32)).decode())
    keys = []
    for agency in ("cedar-ems", "birch-police", "cedar-ems"):
        assert main(["agency-keys", "seal-key", agency]) == 0
        keys.append(capsys.readouterr().out.strip())
    assert keys[0] == keys[2] != keys[1]
    assert len(base64.b64decode(keys[0])) == 32
    monkeypatch.setenv("SPIKEWATCH_INGEST_SEAL_KEY", "short")
    assert main(["agency-keys", "seal-key", "cedar-ems"]) == 2


@pytest.mark.integration
def test_a_key_is_issued_listed_and_revoked(capsys: pytest.CaptureFixture[str]) -> None:
    from pymongo import MongoClient

    database = f"agency_keys_test_{uuid.uuid4().hex[:12]}"
    where = ["--database", database, "--json"]
    client: MongoClient[dict[str, object]] = MongoClient(os.environ["SPIKEWATCH_MONGODB_URI"])
    try:
        assert main(["agency-keys", "issue", "cedar-ems", *where]) == 0
        issued = json.loads(capsys.readouterr().out)
        stored = client[database]["api_keys"].find_one({})
        assert stored is not None
        assert stored["digest"] == digest_of(issued["key"])
        assert issued["key"] not in str(stored)
        assert main(["agency-keys", "revoke", issued["key_id"], *where]) == 0
        assert main(["agency-keys", "revoke", "unknown", *where]) == 2
        capsys.readouterr()
        assert main(["agency-keys", "ls", "cedar-ems", *where]) == 0
        [row] = json.loads(capsys.readouterr().out)
        assert row["key_id"] == issued["key_id"]
        assert row["revoked_at"]
    finally:
        client.drop_database(database)
        client.close()
