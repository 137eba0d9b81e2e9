"""What the services say to each other: events, topics, identifiers and their wire form.

Nothing here does I/O. A change of this package is a change of the public contract.
"""
