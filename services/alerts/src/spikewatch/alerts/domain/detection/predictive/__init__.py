"""The default detector: a count against its own prediction from what the area's history has taught so far."""

from spikewatch.alerts.domain.detection.predictive.batch import ALGORITHMS, predictive
from spikewatch.alerts.domain.detection.predictive.parameters import Predictive
from spikewatch.alerts.domain.detection.predictive.watch import Judged, Watch

__all__ = ["ALGORITHMS", "Judged", "Predictive", "Watch", "predictive"]
