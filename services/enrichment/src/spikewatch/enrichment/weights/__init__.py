"""Data that are shipped: the weights of the matcher and their schema."""
