"""The base of every message and the small types they share."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Final, ParamSpec, Self, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema

__all__ = ["AgencyId", "AreaId", "Contract", "CountyFips", "FreeText", "Interval", "ShortText", "UtcDatetime", "area_kind", "unchecked"]

_AGENCY = r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$"
_AREA = re.compile(r"^[a-z0-9_]+:[A-Za-z0-9][A-Za-z0-9._-]{0,126}$")
P = ParamSpec("P")
M = TypeVar("M", bound="Contract")
_new: Final = object.__new__
# A frozen message refuses every other way. In one place, for it is what pydantic keeps beside the fields of a message.
_set_names, _set_extra, _set_private = (vars(BaseModel)[f"__pydantic_{slot}__"].__set__ for slot in ("fields_set", "extra", "private"))


def _in_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def _is_area(text: str) -> str:
    if not _AREA.fullmatch(text):  # match() would let a trailing line feed pass
        message = "an area is written kind:code, for example county:42091 or zip:19401"
        raise ValueError(message)
    return text


UtcDatetime = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""An instant with a time zone, held and written in UTC."""

AgencyId = Annotated[str, StringConstraints(pattern=_AGENCY)]
"""An agency's id: a DNS label, for example ``cedar-county-ems``."""

AreaId = Annotated[str, AfterValidator(_is_area), WithJsonSchema({"type": "string", "pattern": _AREA.pattern})]
"""``kind:code``: ``state:42``, ``county:42091``, ``zip:19401``, ``h3:872a1072bffffff``, ``district:cedar-4``."""

CountyFips = Annotated[str, StringConstraints(pattern=r"^\d{5}$")]
"""A county's five-digit FIPS code, leading zero kept."""

ShortText = Annotated[str, StringConstraints(max_length=128)]
FreeText = Annotated[str, StringConstraints(max_length=512)]


def area_kind(area: str) -> str:
    """Return the kind of an area id: ``county`` of ``county:42091``."""
    return area.partition(":")[0]


class Contract(BaseModel):
    """An immutable message. Unknown fields are ignored, so that an older reader survives a newer writer."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False, ser_json_timedelta="iso8601")

    def to_json(self) -> bytes:
        """Return the wire form: UTF-8 JSON without absent fields."""
        return self.__pydantic_serializer__.to_json(self, exclude_none=True)

    def changed(self, **change: object) -> Self:
        """Return a copy with some fields replaced by values that are right already: ``model_copy`` at a third of its cost."""
        made = _new(type(self))
        fields = made.__dict__
        fields.update(self.__dict__)
        fields.update(change)
        names = self.__pydantic_fields_set__  # of frozen messages nobody changes it, so two may share it
        _set_names(made, names if len(names) == len(fields) or change.keys() <= names else names | change.keys())
        _set_extra(made, None)
        _set_private(made, None)
        return made


def unchecked(model: Callable[P, M]) -> Callable[P, M]:
    """Return what makes a message of values that are right already, at a fourth of the cost; its arguments are the model's.

    Only for a reader that has brought every value to the model's types and bounds itself: nothing is checked or converted here,
    and a value that is wrong reaches the wire. A test must show of such a reader that the model takes whatever it makes.
    """
    assert isinstance(model, type)  # noqa: S101  # of Contract: the annotation asks for its constructor, for the names and types of it
    kind: type[Contract] = model
    defaults = {name: field.get_default() for name, field in kind.model_fields.items()}  # all names: their order is the wire's
    everything = set(defaults)

    def make(*_: P.args, **values: P.kwargs) -> M:
        made = _new(kind)
        fields = made.__dict__
        fields.update(defaults)
        fields.update(values)
        _set_names(made, everything if len(values) == len(defaults) else set(values))
        _set_extra(made, None)
        _set_private(made, None)
        return made  # type: ignore[return-value]  # it is of the model

    return make


class Interval(Contract):
    """A half-open span of time ``(start, end]``."""

    start: UtcDatetime
    end: UtcDatetime = Field(description="Included; the start is not.")
