"""The client of a lab: ``from extrapolab import Lab``, and the command line ``extrapolab``.

Nothing is computed here; a lab server does the work, over HTTP. The public names are imported once
one of them is used: they take a third of a second, and the command line needs few of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from extrapolab.public import *  # noqa: F403  # as at run time, see below
    from extrapolab.public import __all__ as __all__


def __getattr__(name: str) -> object:
    """A public name, or the list of them."""
    public = import_module("extrapolab.public")
    if name == "__all__" or name in public.__all__:
        return getattr(public, name)
    raise AttributeError(f"module 'extrapolab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*import_module("extrapolab.public").__all__, *globals()]
