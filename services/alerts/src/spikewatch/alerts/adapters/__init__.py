"""MongoDB, the directory, the rules file."""
