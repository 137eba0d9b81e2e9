import hashlib
from pathlib import Path

import pytest

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.stack import jars


def _folder(path: Path) -> dict[str, str]:
    for name in ("kafka.jar", "log4j.jar"):
        (path / name).write_bytes(name.encode())
    return {name: hashlib.sha256(name.encode()).hexdigest() for name in ("kafka.jar", "log4j.jar")}


def test_the_pinned_jars_pass(tmp_path: Path) -> None:
    jars.check(tmp_path, _folder(tmp_path))


def test_a_changed_jar_is_refused_by_name(tmp_path: Path) -> None:
    pinned = _folder(tmp_path)
    (tmp_path / "log4j.jar").write_bytes(b"something else")

    with pytest.raises(jars.JarRefused, match=r"^log4j\.jar is not the jar that was pinned"):
        jars.check(tmp_path, pinned)


def test_a_missing_and_an_unknown_jar_are_refused_by_name(tmp_path: Path) -> None:
    pinned = _folder(tmp_path)
    (tmp_path / "kafka.jar").rename(tmp_path / "unknown.jar")

    with pytest.raises(jars.JarRefused, match=r"kafka\.jar is missing"):
        jars.check(tmp_path, pinned)
    (tmp_path / "kafka.jar").write_bytes(b"kafka.jar")
    with pytest.raises(jars.JarRefused, match=r"unknown\.jar is not pinned"):
        jars.check(tmp_path, pinned)


def test_a_spoilt_cache_is_found_before_kafka_runs_on_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPIKEWATCH_CACHE", str(tmp_path))
    monkeypatch.delenv("KAFKA_HOME", raising=False)
    folder = tmp_path / f"kafka-{jars.KAFKA_VERSION}"
    folder.mkdir()
    for name in jars.pinned_sums():
        (folder / name).write_bytes(b"not a jar")

    with pytest.raises(CannotRun, match=r"\.jar is not the jar that was pinned"):
        jars.kafka_class_path()


def test_every_pinned_jar_has_a_sum_and_no_address() -> None:
    pinned = jars.pinned_sums()

    assert f"kafka-clients-{jars.KAFKA_VERSION}.jar" in pinned
    assert all(name.endswith(".jar") and "/" not in name for name in pinned)
    assert all(len(digest) == 64 and int(digest, 16) >= 0 for digest in pinned.values())


def test_kafka_home_without_kafka_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_HOME", str(tmp_path))

    with pytest.raises(CannotRun, match="KAFKA_HOME"):
        jars.kafka_class_path()
