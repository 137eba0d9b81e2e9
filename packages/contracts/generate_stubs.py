# ruff: noqa: INP001  # a script, part of no package
"""Writes the gRPC code under ``src/spikewatch/api`` from ``proto/``; ``--check`` fails when the committed code is not current.

Needs grpcio-tools and mypy-protobuf, which are tools of development and no dependency of the package.
"""

import argparse
import filecmp
import os
import subprocess
import sys
import tempfile
from pathlib import Path

CONTRACTS = Path(__file__).resolve().parent
PROTO = CONTRACTS.parents[1] / "proto"
TARGET = CONTRACTS / "src" / "spikewatch" / "api"
PACKAGE = Path("spikewatch/api")
_DOCSTRING = '"""Generated from proto/ by packages/contracts/generate_stubs.py."""\n'


def generate(out: Path) -> None:
    """Write the message modules, the service modules and the type stubs of both below ``out``.

    Raises:
        RuntimeError: the compiler refused a file; it says why on standard error.
    """
    files = sorted(str(path.relative_to(PROTO)) for path in (PROTO / PACKAGE).rglob("*.proto"))
    services = [name for name in files if name.endswith("_service.proto")]  # the others would give empty service modules
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    for options, sources in (
        ([f"--python_out={out}", f"--pyi_out={out}"], files),
        ([f"--grpc_python_out={out}", f"--mypy_grpc_out=quiet:{out}"], services),
    ):
        command = [sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={PROTO}", *options, *sources]
        if subprocess.run(command, env=environment, cwd=PROTO, check=False).returncode != 0:  # noqa: S603  # fixed command, own files
            raise RuntimeError("protoc refused the files; see above")
    for folder in [out / PACKAGE, *(path for path in (out / PACKAGE).rglob("*") if path.is_dir())]:
        (folder / "__init__.py").write_text(_DOCSTRING, encoding="utf-8")


def stale(fresh: Path) -> list[str]:
    """Return the files that differ between ``fresh`` and the committed code, or that only one of them has."""
    made = {path.relative_to(fresh) for path in fresh.rglob("*") if path.is_file()}
    kept = {path.relative_to(TARGET) for path in TARGET.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    differing = {name for name in made & kept if not filecmp.cmp(fresh / name, TARGET / name, shallow=False)}
    return sorted(str(name) for name in (made ^ kept) | differing)


def main() -> int:
    """Generate, or with ``--check`` compare; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when the committed code is not current")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        fresh = Path(folder) / PACKAGE
        names = stale(fresh)
        if not arguments.check:
            for name in names:
                source, target = fresh / name, TARGET / name
                if source.exists():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(source.read_bytes())
                else:
                    target.unlink()
    action = "not current, run packages/contracts/generate_stubs.py" if arguments.check else "written"
    sys.stdout.write("".join(f"{name}: {action}\n" for name in names) or "The generated code is current.\n")
    return 1 if arguments.check and names else 0


if __name__ == "__main__":
    raise SystemExit(main())
