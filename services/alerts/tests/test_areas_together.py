"""Areas of which reports may still come are judged together as each by itself, and while they are others may go on."""

from dataclasses import replace

import numpy as np
import pytest

from spikewatch.alerts.domain.detection.partly_reported import CORRECTABLE
from spikewatch.alerts.domain.episodes import Zone, recomputed
from spikewatch.alerts.domain.evidence import finding_of
from spikewatch.alerts.domain.instants import DAY, HOUR
from spikewatch.alerts.domain.marks import EVERYTHING
from spikewatch.alerts.domain.reported import Reported
from spikewatch.alerts.domain.series import History

DAYS = 150
SINCE = 138


def spread(counts, reported):
    """A history with overdoses minutes apart from the noon of each day on."""
    rows = [(day * DAY + 12 * HOUR + one * 60_000_000, 4) for day, number in enumerate(counts) for one in range(number)]
    return replace(History.of(rows, rows[0][0], 0), reported=reported)


def histories():
    draw = np.random.default_rng(11)
    shares = [None, (0.3, 0.8), (0.5, 0.6, 0.9), (0.2, 0.4, 0.6, 0.7, 0.9)]
    made = []
    for mean in (0.2, 1, 4):
        for share in shares:
            counts = draw.poisson(mean, DAYS)
            counts[draw.integers(SINCE, DAYS, 3)] += 12
            counts[0] = 1
            made.append(spread(counts.tolist(), None if share is None else Reported(DAYS - 1, share)))
    return made


def asked(make, algorithm):
    parameters = {"algorithm": algorithm, "history_days": 100, "minimum_history_days": 20}
    return make.rule("detector", window_hours=24, quiet_hours=24, parameters=parameters, delay_correction="learnt")


@pytest.mark.parametrize("algorithm", CORRECTABLE)
def test_what_is_foreseen_is_what_each_area_would_have_been_told(make, algorithm):
    together, alone = asked(make, algorithm), asked(make, algorithm)
    several = histories()
    low = SINCE * DAY
    together.criterion.foresee([each.select(low - together.reach, 2**62, EVERYTHING) for each in several], DAY, since=low)
    told = []
    for history in several:
        zone = Zone(low, DAYS * DAY + together.reach, ())
        episodes = recomputed(history, together, zone)
        findings = [finding_of(history, together, episode) for episode in episodes]
        assert episodes == recomputed(history, alone, zone)
        assert findings == [finding_of(history, alone, episode) for episode in episodes]
        told += findings
    assert len(told) >= len(several)
    assert len(together.criterion._foreseen.found) >= len(told), "each alarm was found when all were asked together"
