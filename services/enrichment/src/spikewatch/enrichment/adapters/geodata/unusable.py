"""Why a file cannot be used. Each text is one sentence for people that says what to do; none holds a value of a row."""

__all__ = ["GeodataUnusable", "IndexUnusable"]


class GeodataUnusable(Exception):  # noqa: N818  # named by its consequence
    """A file of streets, points or areas cannot be read, or would be placed wrongly."""


class IndexUnusable(Exception):  # noqa: N818  # named by its consequence
    """An index is missing, broken, or of another version."""
