"""Takes what agencies send and turns it into reports: an HTTPS gateway and the normaliser behind the submissions topic."""
