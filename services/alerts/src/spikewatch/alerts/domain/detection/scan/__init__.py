"""Space-time scans: circles of areas with more cases in the last days than chance gives, across the borders of areas."""
