"""Why the directory does not do what it is asked. Texts never hold the value at fault, which may be personal."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "FieldProblem",
    "HasChildren",
    "InvalidFields",
    "NotFound",
    "Refusal",
    "SpentRuleVersion",
    "SpentVersion",
    "StaleEtag",
    "TakenName",
]


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One field at fault."""

    field: str
    problem: str
    expected: str
    example: str = ""


class Refusal(Exception):  # noqa: N818  # named by its consequence
    """The request cannot be done as it is; repeating it changes nothing."""


class InvalidFields(Refusal):
    """Some fields of the request are not right; all of them are told at once."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__("; ".join(f"{one.field} {one.problem}" for one in problems))
        self.problems = tuple(problems)

    @classmethod
    def of(cls, field: str, problem: str, expected: str, example: str = "") -> "InvalidFields":
        """Build the refusal of a single field."""
        return cls([FieldProblem(field, problem, expected, example)])


class NotFound(Refusal):
    """There is no record of this name."""


class TakenName(Refusal):
    """There is a record of this name already."""


class SpentVersion(Refusal):
    """Reports may name this version of the profile, and it holds or held other content."""


class SpentRuleVersion(Refusal):
    """Alerts may name this version of the rule, and it decides or decided otherwise, or a later one is or was there."""


class StaleEtag(Refusal):
    """The record has changed since the caller read it."""


class HasChildren(Refusal):
    """The record still has services or contacts."""
