"""Data of ingest: the drug vocabulary and the case definitions."""
