"""Places reports on the map (locate) and recognises which of them are about the same overdose (match)."""
