"""The weights of evidence as versioned data: bits for every field, context and level, where two reports join, what vetoes it."""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from spikewatch.enrichment.domain.matching.comparison import Looked
from spikewatch.enrichment.domain.matching.confidence import SIGNS, Calibration, Confidence
from spikewatch.enrichment.domain.matching.fields import FIELDS, OFFSETS, PART_OF, SIZE, Field

__all__ = ["FORMAT", "SCALE", "Weights", "WrongWeights"]

FORMAT: Final = 1
SCALE: Final = 100
"""Weights are whole hundredths of a bit, so that sums are exact and no order of adding changes a score."""

_MOST_BITS: Final = 99.0
_CONFIDENCE: Final = frozenset({"together", "complete", "signs", "promised"})
_ALLOWED: Final = frozenset({"format", "name", "version", "origin", "join", "veto", "confidence", "fields"})


class WrongWeights(Exception):  # noqa: N818  # named by its consequence
    """The data are no weights; the text says where and what was expected."""


@dataclass(frozen=True, slots=True)
class Weights:
    """All weights in one array. ``join`` and ``veto`` are in hundredths of a bit."""

    name: str
    version: int
    origin: str
    table: npt.NDArray[np.int32]
    join: int
    veto: int
    confidence: Confidence

    @property
    def label(self) -> str:
        """Name, version, and eight digits that follow from every weight, bound and step: two that weigh otherwise differ in them."""
        digest = blake2b(self.table.astype("<i4").tobytes(), digest_size=4)
        digest.update(struct.pack("<2q", self.join, self.veto))
        digest.update(self.confidence.packed())
        return f"{self.name}@{self.version}+{digest.hexdigest()}"

    def scores(self, looked: Looked) -> npt.NDArray[np.int32]:
        """Return the score of every compared pair, in hundredths of a bit."""
        total: npt.NDArray[np.int32] = self.table[looked].sum(axis=0, dtype=np.int32)
        return total

    def with_table(self, table: npt.NDArray[np.float64], *, name: str, origin: str) -> "Weights":
        """Return the same with other weights, given in bits."""
        return replace(self, name=name, origin=origin, table=np.round(table * SCALE).astype(np.int32))

    @classmethod
    def parse(cls, text: str | bytes) -> "Weights":
        """Read weights from JSON (``weights.schema.json`` describes it).

        Raises:
            WrongWeights: it is none.
        """
        try:
            document = json.loads(text)
        except ValueError:
            raise WrongWeights("the weights are no JSON") from None
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise WrongWeights(
                f"the weights must be an object with format {FORMAT}, which this build reads and writes; "
                "learn them anew with spikewatch match learn, or use the shipped ones, learnt or neutral"
            )
        if unknown := sorted(document.keys() - _ALLOWED):
            raise WrongWeights(f"the weights have a member {unknown[0]!r} that nobody knows; expected {', '.join(sorted(_ALLOWED))}")
        fields = document.get("fields")
        if not isinstance(fields, dict):
            raise WrongWeights("fields must be an object")
        table = np.zeros(SIZE, dtype=np.int32)
        known = {field.name: (field, offset) for field, offset in zip(FIELDS, OFFSETS, strict=True)}
        for name, contexts in fields.items():
            if name not in known:
                raise WrongWeights(f"fields: {name!r} is no field; expected {', '.join(known)}")
            _fill(table, *known[name], contexts)
        version = document.get("version")
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise WrongWeights("version must be a whole number from 1")
        confidence = document.get("confidence")
        if not isinstance(confidence, dict):
            raise WrongWeights("confidence must be an object with together and complete")
        if unknown := sorted(confidence.keys() - _CONFIDENCE):
            raise WrongWeights(f"confidence: {unknown[0]!r} is none of {', '.join(sorted(_CONFIDENCE))}")
        return cls(
            name=str(document.get("name", "")),
            version=version,
            origin=str(document.get("origin", "")),
            table=table,
            join=_bits(document.get("join"), "join"),
            veto=_bits(document.get("veto"), "veto"),
            confidence=Confidence(
                _calibration(confidence.get("together"), "confidence.together"),
                _complete(confidence.get("complete")),
                _signs(confidence["signs"]) if "signs" in confidence else (),
                _promised(confidence["promised"]) if "promised" in confidence else (),
            ),
        )

    def to_json(self) -> str:
        """Return the weights as JSON, weights of zero left out."""
        fields: dict[str, Any] = {}
        for field, offset in zip(FIELDS, OFFSETS, strict=True):
            part = self.table[offset : offset + field.size].reshape(len(field.contexts), len(field.levels))
            contexts = {
                context: {level: value / SCALE for level, value in zip(field.levels, row.tolist(), strict=True) if value}
                for context, row in zip(field.contexts, part, strict=True)
                if row.any() or context in PART_OF
            }
            if contexts:
                fields[field.name] = contexts
        document = {
            "format": FORMAT,
            "name": self.name,
            "version": self.version,
            "origin": self.origin,
            "join": self.join / SCALE,
            "veto": self.veto / SCALE,
            "confidence": _told(self.confidence),
            "fields": fields,
        }
        return _compact(document)


def _compact(document: Mapping[str, Any]) -> str:
    """Write one line a context, so that a change of weights reads as one."""
    parts = []
    for key, value in document.items():
        if key != "fields":
            parts.append(f"{json.dumps(key)}: {json.dumps(value)}")
            continue
        fields = [
            f"  {json.dumps(name)}: {{\n"
            + ",\n".join(f"   {json.dumps(context)}: {json.dumps(levels)}" for context, levels in contexts.items())
            + "\n  }"
            for name, contexts in value.items()
        ]
        parts.append('"fields": {\n' + ",\n".join(fields) + "\n }")
    return "{\n " + ",\n ".join(parts) + "\n}\n"


def _fill(table: npt.NDArray[np.int32], field: Field, offset: int, contexts: object) -> None:
    if not isinstance(contexts, dict):
        raise WrongWeights(f"fields.{field.name} must be an object of contexts")
    for context, given in _told_apart(contexts, field).items():
        if context not in field.contexts:
            raise WrongWeights(f"fields.{field.name}: {context!r} is no context; expected one of {', '.join(field.contexts[:4])}")
        if not isinstance(given, dict):
            raise WrongWeights(f"fields.{field.name}.{context} must be an object of levels")
        # Weights from before this was told apart weigh two agencies as one.
        is_one_kind = len(set(context.split("|"))) == 1
        levels = {"two_agencies": given["pair"], **given} if field.name == "prior" and "pair" in given and is_one_kind else given
        for level, bits in levels.items():
            if level not in field.levels:
                raise WrongWeights(f"fields.{field.name}.{context}: {level!r} is no level; expected one of {', '.join(field.levels[:4])}")
            place = offset + field.contexts.index(context) * len(field.levels) + field.levels.index(level)
            table[place] = _bits(bits, f"fields.{field.name}.{context}.{level}")


def _told_apart(contexts: Mapping[str, object], field: Field) -> dict[str, object]:
    """Return the contexts with those that older weights do not tell apart: there they weigh as what they are a part of."""
    apart = {part: contexts[whole] for part, whole in PART_OF.items() if part in field.contexts and whole in contexts}
    return {**apart, **contexts}


def _bits(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_MOST_BITS <= value <= _MOST_BITS:
        raise WrongWeights(f"{where} must be a number of bits from -{_MOST_BITS:g} to {_MOST_BITS:g}")
    return round(value * SCALE)


def _calibration(value: object, where: str) -> Calibration:
    steps = value if isinstance(value, list) else []
    if not steps or not all(isinstance(step, list) and len(step) == 2 for step in steps) or steps[-1][0] is not None:
        raise WrongWeights(f"{where} must be a list of [bits, share], the last with null for bits")
    edges = tuple(_bits(step[0], where) for step in steps[:-1])
    if list(edges) != sorted(edges) or not all(isinstance(step[1], int | float) and 0 <= step[1] <= 1 for step in steps):
        raise WrongWeights(f"{where} must have growing bits, and shares from 0 to 1")
    return Calibration(edges, tuple(float(step[1]) for step in steps))


def _complete(value: object) -> tuple[Calibration, Calibration, Calibration]:
    if not isinstance(value, list) or len(value) != 3:
        raise WrongWeights("confidence.complete must be three lists of steps: for one report, for two, for more")
    one, two, more = (_calibration(steps, "confidence.complete") for steps in value)
    return one, two, more


def _signs(value: object) -> tuple[tuple[float, ...], ...]:
    if not isinstance(value, list) or len(value) != 3 or not all(isinstance(one, dict) for one in value):
        raise WrongWeights("confidence.signs must be three objects of bits: for one report, for two, for more")
    for name in {name for one in value for name in one}.difference(SIGNS):
        raise WrongWeights(f"confidence.signs: {name!r} is no sign; expected some of {', '.join(SIGNS)}")
    return tuple(tuple(_bits(one.get(name, 0.0), f"confidence.signs.{name}") / SCALE for name in SIGNS) for one in value)


def _promised(value: object) -> tuple[tuple[float, float], ...]:
    knots = value if isinstance(value, list) else []
    if not all(isinstance(knot, list) and len(knot) == 2 and all(_is_share(one) for one in knot) for knot in knots) or not knots:
        raise WrongWeights("confidence.promised must be a list of [promised, right], each a share from 0 to 1")
    for side in zip(*knots, strict=True):
        if list(side) != sorted(side):
            raise WrongWeights("confidence.promised must grow: what is promised more is right no less often")
    return tuple((float(promised), float(right)) for promised, right in knots)


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _told(confidence: Confidence) -> dict[str, Any]:
    told: dict[str, Any] = {"together": _steps(confidence.together), "complete": [_steps(one) for one in confidence.complete]}
    if confidence.signs:
        told["signs"] = [{name: value for name, value in zip(SIGNS, bits, strict=True) if value} for bits in confidence.signs]
    if confidence.promised:
        told["promised"] = [list(knot) for knot in confidence.promised]
    return told


def _steps(calibration: Calibration) -> list[list[float | None]]:
    edges: list[float | None] = [edge / SCALE for edge in calibration.edges]
    return [[edge, share] for edge, share in zip([*edges, None], calibration.shares, strict=True)]
