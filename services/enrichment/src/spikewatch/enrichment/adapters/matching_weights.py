"""Loads the weights of the matcher: those that are shipped, or the file that an operator names."""

from importlib.resources import files
from pathlib import Path
from typing import Final

from spikewatch.enrichment.domain.matching.weights import Weights, WrongWeights

__all__ = ["LEARNT", "NEUTRAL", "load_weights"]

LEARNT: Final = "learnt"
NEUTRAL: Final = "neutral"


def load_weights(name: str = LEARNT) -> Weights:
    """Return shipped weights by name, or those of a file.

    Raises:
        WrongWeights: the file cannot be read or holds no weights; the text names it.
    """
    if name in {LEARNT, NEUTRAL}:
        return Weights.parse(files("spikewatch.enrichment.weights").joinpath(f"matching_{name}.json").read_bytes())
    try:
        return Weights.parse(Path(name).read_bytes())
    except OSError as error:
        raise WrongWeights(f"{name} cannot be read ({type(error).__name__}); give a file, or {LEARNT} or {NEUTRAL}") from None
    except WrongWeights as error:
        raise WrongWeights(f"{name}: {error}") from None
