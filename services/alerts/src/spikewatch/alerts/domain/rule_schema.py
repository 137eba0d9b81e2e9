"""The JSON schema of a rules file, for editors and other programs: each kind with its own parameters."""

from typing import Any, Final

from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rules import KINDS

__all__ = ["rules_schema"]

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_TEMPLATE: Final = "#/$defs/{model}"


def rules_schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12). What it accepts may still be refused for a reason that spans fields."""
    rule = Rule.model_json_schema(ref_template=_TEMPLATE)
    definitions: dict[str, Any] = rule.pop("$defs", {})
    rule["properties"]["kind"] = {"description": "Name of a rule kind.", "enum": sorted(KINDS)}
    conditions = []
    for kind, criterion in sorted(KINDS.items()):
        parameters = criterion.model_json_schema(ref_template=_TEMPLATE)
        definitions |= parameters.pop("$defs", {})
        definitions[f"parameters-{kind}"] = parameters
        conditions.append(
            {
                "if": {"properties": {"kind": {"const": kind}}},
                "then": {"properties": {"parameters": {"$ref": f"#/$defs/parameters-{kind}"}}},
            }
        )
    rule["allOf"] = conditions
    definitions["Rule"] = rule
    return {
        "$schema": _DIALECT,
        "title": "Rules that say when overdoses in an area are a spike",
        "type": "object",
        "required": ["rules"],
        "properties": {"rules": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/Rule"}}},
        "$defs": definitions,
    }
