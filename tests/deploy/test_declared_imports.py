"""Every member declares what it imports itself: what another member happens to bring may leave with that member's next release."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MEMBERS = (
    "packages/contracts",
    "packages/chassis",
    "services/ingest",
    "services/enrichment",
    "services/alerts",
    "services/directory",
    "cli",
)
# Imports that only the type checker sees, or whose distribution shares its folder with others.
PLACES = {"google": {"protobuf", "googleapis-common-protos"}, "opentelemetry": {"opentelemetry-proto", "opentelemetry-api"}}


def _imported(member: str) -> set[str]:
    found: set[str] = set()
    for file in (ROOT / member / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {name.name for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module)
    return found


def _declared(member: str) -> set[str]:
    project = tomllib.loads((ROOT / member / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project.get("dependencies", ()), *(one for extra in project.get("optional-dependencies", {}).values() for one in extra)]
    return {re.split(r"[<>=!~;\[ ]", one, maxsplit=1)[0].lower().replace("_", "-") for one in wanted}


@pytest.mark.parametrize("member", MEMBERS)
def test_a_member_declares_what_it_imports(member: str) -> None:
    known = packages_distributions()
    declared = _declared(member)
    missing = []
    for module in sorted(_imported(member)):
        top = module.split(".", maxsplit=1)[0]
        if top in sys.stdlib_module_names or top == "spikewatch":
            continue
        carriers = PLACES.get(top) or {name.lower().replace("_", "-") for name in known.get(top, ())}
        if carriers.isdisjoint(declared) and not any(name.startswith(top) for name in declared):
            missing.append(f"{module} (of {', '.join(sorted(carriers)) or 'nobody installed'})")
    assert missing == []


def test_who_serves_or_calls_grpc_takes_the_chassis_with_it() -> None:
    for member in MEMBERS[2:]:
        if any(module.startswith(("spikewatch.chassis.grpc", "spikewatch.api", "grpc")) for module in _imported(member)):
            text = (ROOT / member / "pyproject.toml").read_text(encoding="utf-8")
            assert '"spikewatch-chassis[grpc]"' in text, member
