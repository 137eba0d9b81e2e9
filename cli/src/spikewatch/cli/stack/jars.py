"""Apache Kafka's jars: from ``KAFKA_HOME``, or resolved once with jgo, checked against pinned SHA-256 sums and kept in the cache.

Invariant: no jar runs that is not on the pinned list with the pinned sum (``KAFKA_HOME`` is the operator's own).
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Final

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.progress import Progress
from spikewatch.cli.stack.cache_folder import cache_folder

__all__ = ["KAFKA_VERSION", "JarRefused", "check", "kafka_class_path", "pinned_sums"]

KAFKA_VERSION: Final = "4.3.0"
# The ! keeps a foreign BOM from forcing kafka-clients 3.9.1 beside a 4.3.0 broker, which dies with NoSuchMethodError.
_ENDPOINT: Final = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}!+org.apache.logging.log4j:log4j-slf4j-impl:2.25.1!"
_REQUEST_TIMEOUT_S: Final = 30


class JarRefused(CannotRun):
    """A jar is missing, unknown, or not the one that was pinned."""


def pinned_sums() -> dict[str, str]:
    """Return the SHA-256 sum of every jar by its file name."""
    text = files("spikewatch.cli.stack").joinpath("kafka-jars.sha256").read_text(encoding="ascii")
    return {name: digest for digest, name in (line.split() for line in text.splitlines())}


def check(folder: Path, pinned: Mapping[str, str]) -> None:
    """Check that a folder holds exactly the pinned jars.

    Raises:
        JarRefused: names the first jar that is missing, unknown or different.
    """
    found = {path.name for path in folder.glob("*.jar")}
    advice = f"delete the folder {folder} and start again"
    for name in sorted(found ^ set(pinned)):
        raise JarRefused(f"{name} is {'not pinned' if name in found else 'missing'} in Kafka's jars; {advice}")
    for name, expected in pinned.items():
        with (folder / name).open("rb") as jar:
            actual = hashlib.file_digest(jar, "sha256").hexdigest()
        if actual != expected:
            raise JarRefused(f"{name} is not the jar that was pinned (SHA-256 {actual[:12]}…, expected {expected[:12]}…); {advice}")


def kafka_class_path() -> str:
    """Return the Java class path of Kafka, downloading its jars when the cache has none.

    Raises:
        JarRefused: a jar is not the pinned one.
        CannotRun: the jars cannot be had.
    """
    home = os.environ.get("KAFKA_HOME")
    if home:
        libs = Path(home) / "libs"
        if not any(libs.glob("kafka_*.jar")):
            raise CannotRun("KAFKA_HOME has no libs/kafka_*.jar; unset it or point it at an unpacked Apache Kafka 4")
        return f"{libs}/*"
    pinned = pinned_sums()
    folder = cache_folder() / f"kafka-{KAFKA_VERSION}"
    if not folder.exists():
        _fetch(folder, pinned)
    check(folder, pinned)
    return f"{folder}/*"


def _fetch(folder: Path, pinned: Mapping[str, str]) -> None:
    """Download beside the folder, check, and move it into place in one step: a killed download leaves nothing half done."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="kafka-download-") as name:
        work = Path(name)
        complete = work / "complete"
        complete.mkdir()
        for jar in _resolve(work, expected=len(pinned)):
            shutil.copyfile(jar, complete / jar.name)
        check(complete, pinned)
        try:
            complete.rename(folder)
        except OSError:
            if not folder.exists():  # else another stack was faster, and its jars are checked as well
                raise


def _resolve(work: Path, *, expected: int) -> list[Path]:
    try:
        from jgo.env import EnvironmentBuilder, LinkStrategy  # noqa: PLC0415  # in the extra `local`, and only for the first start
        from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415
    except ImportError as error:
        raise CannotRun("Kafka's jars need jgo; install spikewatch-cli[local], or set KAFKA_HOME or SPIKEWATCH_KAFKA_BOOTSTRAP") from error
    with Progress(f"Apache Kafka {KAFKA_VERSION}", expected, unit="jars") as progress:

        @contextmanager
        def count(name: str, _size: int) -> Iterator[Callable[[int], None]]:
            yield lambda _received: None
            if name.endswith(".jar"):
                progress.advance()

        context = MavenContext(resolver=PythonResolver(progress_callback=count), repo_cache=work / "repository", timeout=_REQUEST_TIMEOUT_S)
        builder = EnvironmentBuilder(context=context, cache_dir=work, link_strategy=LinkStrategy.AUTO)
        try:
            environment = builder.from_endpoint(endpoint=_ENDPOINT)
        except Exception as error:  # the resolver raises whatever its HTTP client and parser raise
            kind = type(error).__name__
            raise CannotRun(f"Kafka's jars could not be downloaded ({kind}); check the connection, or set KAFKA_HOME") from error
        progress.reach(expected)
        return [Path(jar) for jar in environment.all_jars]
