"""Numbers that a caller gives for each evaluated step, such as in-control means."""

import numpy as np

from spikewatch.alerts.domain.detection.series import Floats, SeriesError

__all__ = ["each_evaluated"]


def each_evaluated(given: tuple[float, ...], steps: int, name: str) -> Floats:
    """Return one number for each of the evaluated ``steps``; one that is given alone is that of every step.

    Raises:
        SeriesError: there are more or fewer of them than steps; the text names the parameter.
    """
    if len(given) not in {1, steps}:
        raise SeriesError(f"{name}: {len(given)} numbers are given; expected one for each of the {steps} evaluated steps")
    return np.broadcast_to(np.asarray(given, dtype=np.float64), (steps,))
