"""Cells of text in files that spreadsheets open.

A spreadsheet computes a text that begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage
return, and may start programs for it. With an apostrophe in front it takes the text as it is.
"""

import re

_COMPUTED = re.compile(r"'*[=+\-@\t\r]")
_GIVEN = re.compile(r"'+[=+\-@\t\r]")


def as_text(cell: str) -> str:
    """A cell that a spreadsheet takes as text; numbers stay numbers.

    Example:
        >>> as_text("=1+1"), as_text("-0.5"), as_text("'=1"), as_text("k = 4")
        ("'=1+1", '-0.5', "''=1", 'k = 4')
    """
    return f"'{cell}" if _COMPUTED.match(cell) and not _is_number(cell) else cell


def as_given(cell: str) -> str:
    """The inverse of :func:`as_text`.

    Example:
        >>> as_given("'=1+1"), as_given("'quoted'")
        ('=1+1', "'quoted'")
    """
    return cell[1:] if _GIVEN.match(cell) else cell


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return not cell[0].isspace()
