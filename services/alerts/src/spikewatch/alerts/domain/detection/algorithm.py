"""The shape of an algorithm and of its parameters. It stands apart from the registry, which imports every algorithm."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from spikewatch.alerts.domain.detection.detection import Detected
from spikewatch.alerts.domain.detection.series import Series

__all__ = ["Algorithm", "Compat", "Parameters"]

Compat = Literal["", "surveillance-1.20.3", "rnssp-0.3.1", "pynssp-0.1.0"]
"""Peer whose known defects are repeated, so that results can be compared; nothing by default."""


class Parameters(BaseModel):
    """Base of every algorithm's parameters: frozen, and an unknown name is refused. Each field has a description."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A detector by name.

    ``parameters`` is a subclass of ``Parameters``; ``run`` takes a series and an instance of it. ``also_known_as`` maps a
    peer (``surveillance``, ``Rnssp``, ``pynssp``, ``SaTScan``, ``ODMAP``, ``epysurv``) to the name it has there.
    ``judge`` is for rules, where ``run`` would fit more than is asked or look at what came later: see ``judged``.
    """

    name: str
    parameters: type[Parameters]
    run: Callable[[Series, Any], Detected]
    summary: str
    source: str
    also_known_as: Mapping[str, str]
    judge: Callable[[Series, Any, int], Detected] | None = None

    def judged(self, series: Series, parameters: Any, judged_from: int = 0) -> Detected:
        """Judge each step from ``judged_from`` on by what came before it and its own count, as a rule does; those before need not be.

        Raises:
            SeriesError: the algorithm cannot read the series, or it is too short.
        """
        return self.run(series, parameters) if self.judge is None else self.judge(series, parameters, judged_from)
