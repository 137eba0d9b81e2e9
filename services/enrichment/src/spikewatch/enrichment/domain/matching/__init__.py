"""Which reports are about the same overdose: Fellegi-Sunter scores by table look-up, clusters that no order changes (docs/matching)."""
