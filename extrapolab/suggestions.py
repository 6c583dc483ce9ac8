"""The names that an object has, for a person who asks for one that it lacks."""

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

MAX_NAMES = 40
"""Most names that a message lists."""


def no_attribute(owner: object, name: str) -> AttributeError:
    """The error of an attribute that an object doesn't have, with the nearest name."""
    names = [known for known in dir(owner) if not known.startswith(("_", "model_"))]
    nearest = get_close_matches(name, names, n=1)
    message = f"{type(owner).__name__} has no {name!r}"
    if nearest:
        message += f"; did you mean {nearest[0]!r}?"
    else:
        message += "."
    if len(names) <= MAX_NAMES:
        message += f" It has: {', '.join(names)}"
    return AttributeError(message)


class Suggesting:
    """An object that names what it has, when asked for something else."""

    if not TYPE_CHECKING:  # a type checker finds such names itself

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_"):  # Python and IPython ask for many of those
                raise AttributeError(name)
            raise no_attribute(self, name)
