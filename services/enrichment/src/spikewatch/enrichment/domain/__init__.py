"""Pure rules of locating and matching: no I/O, no clock, no logger."""
