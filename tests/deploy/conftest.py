"""The rendered overlays and the files around them, read once."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from spikewatch_testing.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
OVERLAYS = ("dev", "staging", "production")


@cache
def _kustomize() -> str | None:
    found = shutil.which("kustomize")
    if found:
        return found
    for folder in (os.environ.get("GOPATH"), Path.home() / "go"):
        candidate = Path(folder) / "bin" / "kustomize" if folder else None
        if candidate is not None and candidate.is_file():
            return str(candidate)
    return None


@cache
def _rendered(overlay: str) -> list[dict[str, Any]]:
    binary = _kustomize()
    if binary is None:
        pytest.skip("kustomize is not here: go install sigs.k8s.io/kustomize/kustomize/v5@v5.7.1")
    done = subprocess.run(
        [binary, "build", str(ROOT / "deploy/k8s/overlays" / overlay)], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stderr
    return [resource for resource in yaml.safe_load_all(done.stdout) if resource]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session", params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def resources(overlay: str) -> list[dict[str, Any]]:
    return _rendered(overlay)


@pytest.fixture(scope="session")
def of_kind(resources):
    """Return the rendered resources of some kinds."""

    def select(*kinds: str) -> list[dict[str, Any]]:
        return [resource for resource in resources if resource["kind"] in kinds]

    return select


@pytest.fixture(scope="session")
def settings_of():
    """Return a service's settings class, or skip where the service is not built yet."""
    import importlib

    from spikewatch.chassis.settings import ChassisSettings

    def find(service: str) -> type[ChassisSettings]:
        try:
            module = importlib.import_module(f"spikewatch.{service}.settings")
        except ModuleNotFoundError as missing:
            pytest.skip(f"the service {service} is not in this tree: {missing.name}")
        (settings,) = [
            part
            for part in vars(module).values()
            if isinstance(part, type) and issubclass(part, ChassisSettings) and part.__module__ == module.__name__
        ]
        return settings

    return find


@pytest.fixture
def start(settings_of, monkeypatch):
    """Read a service's settings from exactly the given environment, as its start does; a name it does not know fails."""

    def read(service: str, environment: dict[str, str]) -> Any:
        settings = settings_of(service)
        for name in [name for name in os.environ if name.startswith("SPIKEWATCH_")]:
            monkeypatch.delenv(name)
        own = {name: value for name, value in environment.items() if name.startswith("SPIKEWATCH_")}
        assert {name.removeprefix("SPIKEWATCH_").lower() for name in own} <= settings.model_fields.keys()
        for name, value in own.items():
            monkeypatch.setenv(name, value)
        return settings()

    return read
