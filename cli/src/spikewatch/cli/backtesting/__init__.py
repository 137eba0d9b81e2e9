"""Files that a back-test reads, and what it prints and draws."""
