"""Boundary files of others become versioned sets of areas in the geography folder."""
