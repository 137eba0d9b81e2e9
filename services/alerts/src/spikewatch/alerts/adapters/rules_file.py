"""Reads the rules from a YAML file, or those that are shipped."""

from importlib.resources import files
from pathlib import Path

import yaml

from spikewatch.alerts.domain.rule import Rulebook

__all__ = ["read_rules"]


def read_rules(path: Path | None) -> Rulebook:
    """Return the rules of a file; without one, the shipped ones.

    Raises:
        ValueError: the file is no YAML or a rule in it is wrong; the text says which.
        OSError: the file cannot be read.
    """
    text = path.read_text(encoding="utf-8") if path is not None else files("spikewatch.alerts").joinpath("rules.yaml").read_text("utf-8")
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError("the rules file is no YAML") from error
    if not isinstance(content, dict):
        raise ValueError("the rules file holds no mapping with a list under 'rules'")  # noqa: TRY004  # one kind of error for a wrong file
    return Rulebook.of(content)
