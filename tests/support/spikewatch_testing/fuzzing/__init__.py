"""Broken and hostile inputs for every feed format: seeds, mutations, planted identifiers, and what must hold for each input."""
