"""Why a file cannot be used. Each text is one sentence for people that says what to do; none holds a value of a row."""

__all__ = ["GeodataUnusable", "IndexUnusable", "NothingKnown"]


class GeodataUnusable(Exception):  # noqa: N818  # named by its consequence
    """A file of streets, points or areas cannot be read, or would be placed wrongly."""


class NothingKnown(GeodataUnusable):
    """A file can be read and is nothing that an index is made of, or does not say where what is."""


class IndexUnusable(Exception):  # noqa: N818  # named by its consequence
    """An index is missing, broken, or of another version."""
