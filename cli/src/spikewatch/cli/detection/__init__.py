"""What `spikewatch detect` reads and writes."""
