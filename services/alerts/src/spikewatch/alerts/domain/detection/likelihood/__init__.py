"""Likelihood-ratio detectors: a change of the mean at an unknown time, of known or unknown size."""
