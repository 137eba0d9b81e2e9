"""Space-time scans as a rule: what a look finds, which cluster is which alert, and what the alert says."""
