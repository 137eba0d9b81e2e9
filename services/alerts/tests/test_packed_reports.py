"""Reports are held as bytes: what was packed comes back as it was, and what older versions wrote is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewatch.alerts.adapters.packed_reports import packed, unpacked

TRACES = st.one_of(st.none(), st.text(alphabet="0123456789abcdef", min_size=32, max_size=32), st.text(max_size=40))
ROWS = st.tuples(
    st.uuids(), st.uuids(), st.text(max_size=63), st.text(max_size=12), st.uuids(), TRACES, st.none() | st.integers(-(2**62), 2**62)
)
REPORTS = st.lists(st.lists(ROWS, max_size=3).map(tuple), max_size=3).map(tuple)


@given(reports=REPORTS)
def test_packed_reports_come_back(reports):
    assert unpacked(packed(reports)) == reports


@pytest.mark.parametrize("trace", ["A" * 32, "g" * 32, "0" * 31, "", "é" * 32, " " * 32])
def test_a_trace_that_is_no_usual_one_stays_as_it_is(make, trace):
    row = (make.named(1), make.named(2), "a", "ems", make.named(3), trace, None)
    assert unpacked(packed(((row,),))) == ((row,),)


def test_another_form_is_refused():
    with pytest.raises(ValueError, match="a form that this version does not read"):
        unpacked(b"\x02")
