"""Detectors of spikes: pure functions of counts, many areas at a time."""
