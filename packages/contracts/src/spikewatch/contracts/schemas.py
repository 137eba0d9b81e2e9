"""JSON Schemas of the messages, exported for readers that are not Python."""

from typing import Any, Final

from pydantic import BaseModel, TypeAdapter

from spikewatch.contracts.topics import ALL

__all__ = ["MAJOR", "Schema", "models", "schema", "schemas"]

MAJOR: Final = 1
"""Major version of every message model; a new one is a new topic."""
_DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def models() -> dict[str, type[BaseModel]]:
    """Return the models of the topics' values by name, in pipeline order."""
    return {topic.content: topic.model for topic in ALL if topic.model is not None}


def schema(model: type[BaseModel]) -> Schema:
    """Return what a reader of the model accepts, as a JSON Schema of draft 2020-12."""
    exported = TypeAdapter(model).json_schema(mode="validation")
    return {"$schema": _DIALECT, "$id": f"urn:spikewatch:schema:{model.__name__}:v{MAJOR}", **exported}


def schemas() -> dict[str, Schema]:
    """Return the schema of every model by its file name, for example ``Report.v1.json``."""
    return {f"{name}.v{MAJOR}.json": schema(model) for name, model in models().items()}
