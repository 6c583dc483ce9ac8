"""The commands, one module per noun of the command line. They never import each other."""

from collections.abc import Mapping
from types import MappingProxyType

MODULES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "demo": ("demo",),
        "experiments": ("submit", "status", "watch", "list", "log"),
        "specs": ("new", "init", "schema"),
        "changes": (
            *("edit", "tag", "prioritise", "cancel", "pause", "resume", "retry", "delete"),
        ),
        "queue": ("queue",),
        "notifications": ("notify", "notifications"),
        "queries": ("query", "export", "compare", "reproduce"),
        "facets": ("facets", "varying"),
        "imports": ("import",),
        "mirror": ("mirror",),
        "results": ("result", "figure", "series", "theorem"),
        "recipes": ("recipe",),
        "papers": ("paper",),
        "sweeps": ("sweep",),
        "studies": ("study",),
        "workers": ("workers",),
        "pages": ("open",),
        "completion": ("completion",),
        "mcp": ("mcp",),
    }
)
"""The commands of each module, in the order of the help. A module is imported when it is used."""
