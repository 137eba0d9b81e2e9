"""The ids of rows as spreadsheets write them."""

__all__ = ["whole_id"]


def whole_id(text: str) -> str:
    """Return an id without what a spreadsheet puts behind a number: 18.0 is 18, else a resend would make a second report."""
    return text[:-2] if text.endswith(".0") and text[:-2].isdecimal() else text
