"""Histories of counts that are drawn, not observed, with the spikes in them known: what detectors are measured on."""
