"""The command ``spikewatch``: one verb a module, and the local stack."""
