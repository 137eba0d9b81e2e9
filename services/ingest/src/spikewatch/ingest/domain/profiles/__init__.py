"""Column-mapped profiles: an agency's own table, described in a short YAML, becomes a feed."""
