"""Why a rule cannot be used: each reason has the field that it is about, so that it is told with that field's line."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel, ValidationError, ValidationInfo

__all__ = ["Refusal", "misnamed", "no_truth_for_a_number", "refused", "whys"]


class Refusal(NamedTuple):
    """A reason: ``path`` leads to the field, for example ``("parameters", "history_days")``; the text says what was expected."""

    path: tuple[str | int, ...]
    text: str


class _RefusedError(ValueError):
    def __init__(self, whys: tuple[Refusal, ...]) -> None:
        super().__init__("; ".join(": ".join(filter(None, (".".join(map(str, one.path)), one.text))) for one in whys))
        self.whys = whys


def refused(*whys: Refusal) -> ValueError:
    """Return what a validator raises so that all of these reasons are told, each with its own field."""
    return _RefusedError(whys)


def whys(error: ValidationError, model: type[BaseModel]) -> Iterator[Refusal]:
    """Return every reason why a model's fields were refused."""
    for one in error.errors(include_url=False, include_input=False):
        cause = one.get("ctx", {}).get("error")
        if isinstance(cause, _RefusedError):
            yield from (Refusal((*one["loc"], *why.path), why.text) for why in cause.whys)
        else:
            yield Refusal(one["loc"], _text(one, model))


def misnamed(name: str, names: Mapping[str, Any]) -> str:
    """Return what is told of a key that does not exist: the nearest that does, and all."""
    near = get_close_matches(name, names, n=1)
    return f"is unknown; {f'did you mean {near[0]}? Expected' if near else 'expected'} one of {', '.join(names)}"


def _text(one: Mapping[str, Any], model: type[BaseModel]) -> str:
    fields = _fields(model, one["loc"][:-1])
    name = str(one["loc"][-1]) if one["loc"] else ""
    if one["type"] == "extra_forbidden" and fields:
        return misnamed(name, fields)
    if one["type"] == "missing":
        described = getattr(fields.get(name), "description", None)
        return f"is missing; expected: {described}" if described else "is missing"
    return str(one["msg"]).removeprefix("Value error, ")


def _fields(model: type[BaseModel], path: tuple[str | int, ...]) -> Mapping[str, Any]:
    """Return the fields of the model that stands at a path, of which numbers are places in a list; none where there is none."""
    for step in path:
        if isinstance(step, int):
            continue
        field = model.model_fields.get(step)
        inner = None if field is None else next((kind for kind in _kinds(field.annotation) if issubclass(kind, BaseModel)), None)
        if inner is None:
            return {}
        model = inner
    return model.model_fields


def _kinds(annotation: Any) -> Iterator[type]:
    if isinstance(annotation, type) and not get_args(annotation):
        yield annotation
    for each in get_args(annotation):
        yield from _kinds(each)


def no_truth_for_a_number(model: type[BaseModel], value: object, info: ValidationInfo) -> object:
    """Refuse yes and no where a number is expected: YAML reads ``threshold: yes`` so, and it would count as 1.

    Raises:
        ValueError: it is one.
    """
    if isinstance(value, bool) and info.field_name and model.model_fields[info.field_name].annotation is not bool:
        raise ValueError("is yes or no, and a number is expected")
    return value
