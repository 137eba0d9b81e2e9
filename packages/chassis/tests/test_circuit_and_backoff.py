import random

from hypothesis import given
from hypothesis import strategies as st

from spikewatch.chassis.kafka.backoff import delays
from spikewatch.chassis.kafka.circuit import Circuit


def test_a_few_bad_records_never_open_the_circuit():
    circuit = Circuit(ratio=0.5, window=100)
    for _ in range(50):
        assert circuit.admits(10, 4)
        circuit.record(10, 4)
    assert not circuit.is_open


def test_old_batches_leave_the_window():
    circuit = Circuit(ratio=0.5, window=100)
    for _ in range(20):
        assert circuit.admits(10, 0)
        circuit.record(10, 0)
    admitted = 0
    while circuit.admits(10, 10):
        circuit.record(10, 10)
        admitted += 1
    assert 4 <= admitted <= 6


def test_an_open_circuit_closes_with_a_good_batch_only():
    circuit = Circuit(ratio=0.5, window=10)
    assert not circuit.admits(10, 10)
    assert not circuit.admits(10, 5)
    assert circuit.is_open
    assert circuit.admits(10, 4)
    assert not circuit.is_open


def test_a_few_good_records_in_between_let_no_further_window_of_bad_ones_through():
    circuit = Circuit(ratio=0.5, window=1_000)
    passed = 0
    for _ in range(20):
        if circuit.admits(500, 500):
            circuit.record(500, 500)
            passed += 500
        assert circuit.admits(1, 0)
        circuit.record(1, 0)
    assert passed < 1_000


def test_a_mended_consumer_forgets_what_was_bad():
    circuit = Circuit(ratio=0.5, window=100)
    while circuit.admits(50, 50):
        circuit.record(50, 50)
    for _ in range(4):
        assert circuit.admits(50, 0)
        circuit.record(50, 0)
    assert circuit.admits(1, 1), "one bad record after many good ones passes"


def test_a_ratio_of_one_never_opens():
    assert Circuit(ratio=1.0, window=10).admits(1000, 1000)


@given(st.floats(0.1, 200), st.integers())
def test_the_delays_add_up_to_the_total_and_none_is_longer_than_five_seconds(total, seed):
    drawn = list(delays(total, draw=random.Random(seed)))
    assert abs(sum(drawn) - total) < 1e-6
    assert max(drawn) <= 5.0
