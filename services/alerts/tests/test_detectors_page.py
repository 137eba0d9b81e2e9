"""docs/detection/detectors.md names every detector and every parameter with its default: it is compared with the registry."""

import json
from pathlib import Path

import pytest

from spikewatch.alerts.domain.detection.registry import ALGORITHMS

PAGE = (Path(__file__).parents[3] / "docs" / "detection" / "detectors.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", list(ALGORITHMS))
def test_the_page_has_the_detector_and_its_parameters(name: str) -> None:
    algorithm = ALGORITHMS[name]
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| [`{name}`]"))
    for peer, known in algorithm.also_known_as.items():
        assert f"{peer} `{known}`" in row.replace("\\|", "|")
    section = PAGE.split(f"\n### {name}\n")[1].split("\n### ")[0]
    for parameter, field in algorithm.parameters.model_json_schema()["properties"].items():
        assert field.get("description"), f"{name}: {parameter} has no description"
        assert f"| `{parameter}` | {json.dumps(field.get('default'))} |" in section.replace("\\|", "|")


def test_the_page_names_nothing_else() -> None:
    assert [line.removeprefix("### ") for line in PAGE.splitlines() if line.startswith("### ")] == list(ALGORITHMS)
