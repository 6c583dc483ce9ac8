"""Notes in Markdown, as HTML that can do no harm."""

from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from markdown_it import MarkdownIt


@cache
def _parser() -> "MarkdownIt":
    """CommonMark with tables; HTML is shown as text, and no image is fetched from anywhere."""
    from markdown_it import MarkdownIt  # noqa: PLC0415  # a megabyte that few labs need

    return MarkdownIt("js-default", {"html": False, "linkify": False}).disable("image")


def to_html(notes: str) -> Markup:
    r"""The notes as HTML; HTML in them is text, and links lead only to harmless places.

    Example:
        >>> print(to_html("*k* is <b>small</b>"), end="")
        <p><em>k</em> is &lt;b&gt;small&lt;/b&gt;</p>
        >>> print(to_html("[x](javascript:alert(1))"), end="")
        <p>[x](javascript:alert(1))</p>
    """
    return Markup(_parser().render(notes)) if notes else Markup("")  # noqa: S704  # the parser escapes what it is given
