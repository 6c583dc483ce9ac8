"""Problems of fields in a user's words: fields as specs and filters write them, and nothing of HTTP or pydantic."""

import re

from core.errors import Problem

_PLACES = ("path", "query", "header")
"""Of a request, each with a parameter's name behind it; what a pointer into a body begins with has
more or nothing."""

_NAMES = {"q": "filter", "by": "group", "X-Extrapolab-User": "user"}
"""What parameters are called elsewhere."""

_WORDS = tuple(
    (re.compile(pattern), word)
    for pattern, word in (
        (r"^(Input|String|List|Tuple|Value error,) ", ""),
        (r", unable to parse .*", ""),
        (r"greater than or equal to", "at least"),
        (r"less than or equal to", "at most"),
        (r"greater than", "above"),
        (r"less than", "below"),
        (r"a valid (dictionary|object)( or instance of \w+)?", "names with values"),
        (r"a valid integer", "a whole number"),
        (r"a valid number", "a number"),
        (r"a valid string", "text"),
        (r"a valid boolean", "true or false"),
        (r"a valid (list|tuple|array)", "a list"),
        (r"should match pattern .*", "has characters that are not allowed"),
        (r"GET /v1/fields lists", "'extrapolab query --fields' lists"),
    )
)


def line(problem: Problem) -> str:
    """The problem on one line.

    Example:
        >>> line(Problem("/training/length", "greater_than_equal", "should be greater than or equal to 1", "0"))
        'training.length: should be at least 1 (given 0)'
        >>> line(Problem("/path/id", "not_found", "there is no experiment 'exp_1'"))
        "id: there is no experiment 'exp_1'"
    """
    message = plain(problem.message)
    name = field(problem.pointer)
    given = f" (given {problem.given})" if problem.given is not None else ""
    allowed = (
        f"; allowed: {plain(problem.allowed)}"
        if problem.allowed and problem.allowed not in message
        else ""
    )
    return f"{name}: {message}{given}{allowed}" if name else f"{message}{given}{allowed}"


def field(pointer: str) -> str:
    """The field that a JSON Pointer names, as a path with dots; "" for the whole.

    Example:
        >>> field("/axes/0/values"), field("/query/q"), field("/content/7/seed"), field("")
        ('axes.0.values', 'filter', 'row 7, seed', '')
    """
    keys = [key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/")[1:]]
    match keys:
        case [place, name] if place in _PLACES:
            return _NAMES.get(name, name)
        case ["content"]:  # of an import
            return "file"
        case ["content", row, *inside]:
            return f"row {row}, {'.'.join(inside)}"
        case _:
            return ".".join(keys)


def plain(message: str) -> str:
    """A message without the words of the library that it is from.

    Example:
        >>> plain("Input should be a valid integer, unable to parse string as an integer")
        'should be a whole number'
    """
    for pattern, word in _WORDS:
        message = pattern.sub(word, message)
    return message
