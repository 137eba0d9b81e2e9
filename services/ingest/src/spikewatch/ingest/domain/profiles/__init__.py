"""Column-mapped profiles: an agency's own table, described in a short YAML, becomes a feed."""

# The registry of feeds holds the shipped profiles. Loading it first makes it no matter which of the two is imported first.
import spikewatch.ingest.domain.feeds  # noqa: F401
