"""Detectors give what R surveillance, Rnssp, pynssp and SaTScan gave: every folder of reference cases, read by its ``meta.json``.

``SPIKEWATCH_DETECTION_CASES`` names the folder that holds them.
"""

import importlib
import os
from pathlib import Path
from types import ModuleType

import pytest
from spikewatch_testing.detection_cases.case import read_case

_DEFAULT = Path(__file__).parents[4] / "shared" / "data" / "detection" / "cases"
_CASES = Path(os.environ.get("SPIKEWATCH_DETECTION_CASES") or _DEFAULT)
_FOLDERS = sorted(path.parent for path in _CASES.glob("*/meta.json")) if _CASES.is_dir() else []
_OWNERS = ("cases_surveillance", "cases_odmap", "cases_syndromic", "cases_scan")


def _modules() -> list[ModuleType]:
    """Each has ``handles(case)`` and ``check(case)``."""
    return [importlib.import_module(f"spikewatch_testing.detection_cases.{name}") for name in _OWNERS]


@pytest.mark.skipif(not _FOLDERS, reason="no reference cases: name their folder in SPIKEWATCH_DETECTION_CASES")
@pytest.mark.parametrize("folder", [pytest.param(folder, id=folder.name) for folder in _FOLDERS])
def test_reference_cases(folder: Path) -> None:
    case = read_case(folder)
    owners = [module for module in _modules() if module.handles(case)]
    assert len(owners) == 1, f"{case.name}: {len(owners)} adapters know {case.algorithm} of {case.package or 'no package'}"
    owners[0].check(case)
