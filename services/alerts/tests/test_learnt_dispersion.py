"""A dispersion that is not given is learnt as R learns it: numbers of ``glrnb`` of surveillance 1.20.3 with MASS 7.3-58.2."""

import numpy as np
import pytest

from spikewatch.alerts.domain.detection.likelihood.glr import Glr, LrCusum, glr_negative_binomial, glr_poisson, lr_cusum
from spikewatch.alerts.domain.detection.likelihood.in_control_mean import InControl
from spikewatch.alerts.domain.detection.series import Series

WEEK = np.arange(1, 65)
COUNTS = {
    "even": (7 * WEEK**2 + 3 * WEEK) % 5 + (WEEK * 5) % 3,
    "wide": ((7 * WEEK**2 + 3 * WEEK) % 23) * (WEEK % 3) + (WEEK * 5) % 11,
    "under": 4 + (WEEK % 4 == 0) + 2 * (WEEK % 52 < 20),  # R warns: iteration limit reached
    "rare": ((WEEK**2 + WEEK) % 13 == 0) + 2 * (WEEK % 17 == 0),
    "many": 900 + ((7 * WEEK**2 + 3 * WEEK) % 101) * 4,
}
TRAINING = 60

# counts, harmonics, trend, alpha, means and ratios of the last four weeks
OF_R = [
    ("even", 1, False, 0.140293031, [2.99089692, 2.98829566, 2.9858585, 2.98362055], [0, 0.374025867, 0.057804939, 0.764506937]),
    ("even", 2, True, 0.139589545, [2.79133024, 2.77234001, 2.75676391, 2.74491965], [0, 0.488169281, 0.126696053, 0.95279894]),
    ("wide", 1, False, 0.558381451, [13.6041775, 13.1844111, 12.8009432, 12.4566975], [0.0689390077, 0, 0, 0.373030491]),
    ("wide", 2, True, 0.547345494, [13.878429, 13.0751584, 12.2819846, 11.5284322], [0.0601995529, 0, 0, 0.492638263]),
    ("under", 0, False, 2.43604424e-06, [5.18333333] * 4, [0.0611992366, 0.122398473, 0.18359771, 0.411655635]),
    ("under", 1, False, 8.54062459e-07, [6.35801159, 6.35278736, 6.32491934, 6.27510757], [0, 0, 0, 0.0403439962]),
    ("under", 2, True, 7.40882172e-07, [6.65292856, 6.63600357, 6.57241751, 6.46587916], [0, 0, 0, 0.0214771637]),
    ("rare", 1, False, 2.41448656, [0.188700259, 0.191920379, 0.195796831, 0.200308581], [0, 0, 0, 0.429150041]),
    ("rare", 2, True, 2.35947553, [0.35110465, 0.404681757, 0.468501798, 0.542006889], [0, 0, 0, 0.059872257]),
    (
        "many",
        2,
        True,
        0.0110692398,
        [1085.74299812, 1078.4006548, 1070.36805928, 1061.93879104],
        [0.322915085, 0.00961163391, 1.47361659, 2.23046827],
    ),
]


def weeks(*counts):
    starts = np.datetime64("2001-01-01") + 7 * np.arange(len(counts[0]))
    return Series(starts, np.array(counts, dtype=np.float64), tuple(map(str, range(len(counts)))))


@pytest.mark.parametrize(("name", "harmonics", "trend", "alpha", "mean", "ratio"), OF_R)
def test_a_dispersion_is_learnt_as_in_r(name, harmonics, trend, alpha, mean, ratio):
    parameters = Glr(training=TRAINING, harmonics=harmonics, trend=trend, period=52, finds_threshold=False)
    series = weeks(COUNTS["even"], COUNTS[name], COUNTS["many"])
    found = glr_negative_binomial(series, parameters)
    assert found.statistic[1, TRAINING:] == pytest.approx(ratio, rel=1e-6, abs=1e-10)
    assert found.expected[1, TRAINING:] == pytest.approx(mean, rel=1e-8)
    # of a size in the millions R's own sums leave four digits
    assert InControl.of(series, parameters, None).alpha[1] == pytest.approx(alpha, rel=1e-8 if alpha > 1e-3 else 2e-4)


def test_weeks_without_a_count_are_left_out_of_what_is_learnt():
    counts = COUNTS["wide"].astype(np.float64)
    counts[[4, 5, 40]] = np.nan
    parameters = Glr(training=TRAINING, harmonics=1, period=52)
    control = InControl.of(weeks(COUNTS["even"], counts), parameters, None)
    assert control.alpha[1] == pytest.approx(0.558902557174324, rel=1e-9)
    assert control.block(0, 1)[0, 1] == pytest.approx(14.2150616977898, rel=1e-9)


@pytest.mark.parametrize(
    ("counts", "training", "harmonics"), [([0] * 40 + [1, 2, 0, 1], 40, 1), ([2, 5, 3, 6, 2, 9], 3, 1), ([4] * 9, 1, 0)]
)
def test_where_r_ends_in_an_error_counts_are_taken_for_poisson(counts, training, harmonics):
    parameters = Glr(training=training, harmonics=harmonics, period=52, finds_threshold=False)
    found = glr_negative_binomial(weeks(counts), parameters)
    poisson = glr_poisson(weeks(counts), parameters)
    assert InControl.of(weeks(counts), parameters, None).alpha.tolist() == [0.0]
    assert found.expected == pytest.approx(poisson.expected, nan_ok=True)
    assert found.statistic == pytest.approx(poisson.statistic, nan_ok=True)


def test_a_chart_of_a_known_factor_learns_the_same():
    series = weeks(COUNTS["wide"])
    parameters = LrCusum(training=TRAINING, harmonics=2, trend=True, period=52, alpha=None, theta=float(np.log(1.2)))
    found = lr_cusum(series, parameters).statistic[0, TRAINING:]
    assert found == pytest.approx([0.0550837331251648, 0, 0, 0.2394995666900215], rel=1e-6, abs=1e-10)


def test_a_mean_is_no_smaller_than_the_log_link_of_r_has_it():
    """A trend that falls through the last weeks of a training leaves next to nothing for the weeks after."""
    counts = [40, 20, 10, 5, 2, 1, 0, 0, 0, 0, *[1] * 60]
    found = glr_poisson(weeks(counts), Glr(training=10, harmonics=0, trend=True, period=52, finds_threshold=False))
    assert found.expected[0, -1] == pytest.approx(np.finfo(np.float64).eps)
