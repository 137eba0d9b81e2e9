"""The fields that are compared: for each, in which contexts it has weights of its own, and which levels of agreement it knows."""

from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final

from spikewatch.enrichment.domain.matching.codes import DISPOSITIONS, DRUGS, KINDS, OUTCOMES

__all__ = [
    "AGE_EDGES",
    "DISTANCE_EDGES_M",
    "FIELDS",
    "KIND_PAIRS",
    "LATER_CONTEXTS",
    "OFFSETS",
    "PAIR_OF_KINDS",
    "PART_OF",
    "SIZE",
    "TIME_CONTEXTS",
    "TIME_EDGES_MIN",
    "WEIGHTS_OF",
    "Field",
]

TIME_EDGES_MIN: Final = (
    *(-4320, -2880, -1560, -1320, -720, -360, -240, -180, -150, -120, -100, -80, -70, -60, -50, -45, -40, -35, -30, -25, -20, -16, -13),
    *(-10, -8, -6, -4, -2, 0, 2, 4, 6, 8, 10, 13, 16, 20, 25, 30, 35, 40, 45, 50, 60, 70, 80, 100, 120, 150, 180, 240, 360, 720, 1320),
    *(1560, 2880, 4320),
)
"""Where one bin of time differences ends and the next begins, in minutes of the second report after the first."""

DISTANCE_EDGES_M: Final = (1, 10, 20, 30, 45, 60, 80, 110, 150, 200, 300, 450, 700, 1_200, 2_500, 5_000, 10_000)
AGE_EDGES: Final = (1, 2, 3, 4, 6, 8, 11, 14, 17, 21, 31)
DAY_EDGES: Final = (-3, -2, -1, 0, 1, 2, 3)


def _bins(edges: tuple[int, ...]) -> tuple[str, ...]:
    return (f"<{edges[0]}", *(f"{low}..{high}" for low, high in pairwise(edges)), f">={edges[-1]}")


KIND_PAIRS: Final = tuple(f"{first}|{second}" for index, first in enumerate(KINDS) for second in KINDS[index:])
PAIR_OF_KINDS: Final = tuple(
    tuple(KIND_PAIRS.index(f"{KINDS[min(first, second)]}|{KINDS[max(first, second)]}") for second in range(len(KINDS)))
    for first in range(len(KINDS))
)
"""Number of the pair of kinds, by the number of one and of the other."""

LATER_CONTEXTS: Final = ("ed|ed", "ems|ed stayed", "ems|ed elsewhere")
"""Who was not taken comes to a hospital by themselves, perhaps hours later; who was taken to another one may have been sent on."""

TIME_CONTEXTS: Final = (*KIND_PAIRS, *LATER_CONTEXTS[1:])

_WHO: Final = ("scene", "ed", "me", "eds")
"""Whose place it is: an emergency department tells the home, a medical examiner perhaps the hospital; two departments tell one home."""

_PLACES: Final = ("point", "near", "street", "area")

PART_OF: Final = {
    **{context: context.partition(" ")[0] for context in LATER_CONTEXTS[1:]},
    **{f"eds{place}": f"ed{place}" for place in ("", *(f":{place}" for place in _PLACES))},
}
"""Contexts that weights of before version 5 do not tell from others, and of which others they are a part."""

_SAME: Final = ("same", "different")


@dataclass(frozen=True, slots=True)
class Field:
    """One field. A level is what the comparison of two values says; ``evidence`` is False for what only sets the prior."""

    name: str
    contexts: tuple[str, ...]
    levels: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many weights it has."""
        return len(self.contexts) * len(self.levels)


FIELDS: Final = (
    # An agency writes one report a person; two agencies of a kind may each write theirs.
    Field("prior", KIND_PAIRS, ("pair", "two_agencies")),
    Field("time", TIME_CONTEXTS, _bins(TIME_EDGES_MIN)),
    Field("date", KIND_PAIRS, _bins(DAY_EDGES)),
    Field(
        "distance",
        tuple(f"{who}:{place}" for who in _WHO for place in _PLACES),
        _bins(DISTANCE_EDGES_M),
    ),
    Field("age", ("exact", "one_rough", "both_rough"), ("0", *_bins(AGE_EDGES)[1:])),
    Field("sex", KIND_PAIRS, _SAME),
    Field("race", ("any",), _SAME),
    Field("outcome", KIND_PAIRS, tuple(f"{one}/{two}" for one in OUTCOMES[1:] for two in OUTCOMES[1:])),
    Field(
        "disposition",
        KIND_PAIRS,
        tuple(f"{one or '-'}/{two or '-'}" for one in DISPOSITIONS for two in DISPOSITIONS),
    ),
    Field("cad", KIND_PAIRS, _SAME),
    Field("hospital", KIND_PAIRS, _SAME),
    Field("drug", ("health", "police"), (*(f"both_{drug}" for drug in DRUGS[1:]), "nested", "one_unknown", "different")),
    Field("zip", _WHO, _SAME),
    Field("naloxone", KIND_PAIRS, ("neither", "one", "both")),
    Field("doses", KIND_PAIRS, _SAME),
    Field("house", _WHO, ("same", "near", "different")),
    Field("unit", _WHO, _SAME),
    Field("street", _WHO, _SAME),
)

OFFSETS: Final = tuple(accumulate((field.size for field in FIELDS), initial=1))[:-1]
"""Where each field's weights begin in the one array that holds all; 0 is the weight of what is missing: none."""

WEIGHTS_OF: Final = {one.name: slice(start, start + one.size) for one, start in zip(FIELDS, OFFSETS, strict=True)}
"""Where each field's weights lie in that array, by its name."""

SIZE: Final = 1 + sum(field.size for field in FIELDS)
