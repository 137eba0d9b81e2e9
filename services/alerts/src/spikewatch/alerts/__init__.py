"""Watches areas for spikes: fans incidents out to areas, evaluates rules, keeps alerts."""
