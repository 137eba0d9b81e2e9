"""Cedar County: a place that does not exist, whose overdoses, agencies and records follow from a seed.

Nothing here does I/O or asks for the time, so that the demo, the load test and the tests replay the very same county.
"""
