"""Problems in a user's words: fields as specs and filters name them, without HTTP or pydantic."""

import re

from core.errors import Problem

_REQUEST_PARTS = ("path", "query", "header")
"""First keys of a pointer to a parameter of a request; the second key is its name."""

_PARAMETER_NAMES = {"q": "filter", "by": "fields", "X-Extrapolab-User": "user"}
"""A user's name for each parameter that HTTP calls something else."""

_REPLACEMENTS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"^(Input|String|List|Tuple|Value error,) ", ""),
        (r", unable to parse .*", ""),
        (r"greater than or equal to", "at least"),
        (r"less than or equal to", "at most"),
        (r"greater than", "above"),
        (r"less than", "below"),
        (r"a valid (dictionary|object)( or instance of \w+)?", "an object with named fields"),
        (r"a valid integer", "a whole number"),
        (r"a valid number", "a number"),
        (r"a valid string", "text"),
        (r"a valid boolean", "true or false"),
        (r"a valid (list|tuple|array)", "a list"),
        (r"should match pattern .*", "has characters that are not allowed"),
        (r"^the body ", "the input "),
        (r"GET /v1/fields lists", "'extrapolab query --fields' lists"),
    )
)


def format_problem(problem: Problem) -> str:
    """Formats a problem on one line.

    Example:
        >>> message = "should be greater than or equal to 1"
        >>> format_problem(Problem("/training/length", "greater_than_equal", message, "0"))
        'training.length: should be at least 1 (given 0)'
        >>> format_problem(Problem("/path/id", "not_found", "there is no experiment 'exp_1'"))
        "id: there is no experiment 'exp_1'"
    """
    message = in_plain_words(problem.message)
    name = field_name(problem.pointer)
    prefix = f"{name}: " if name else ""
    given = f" (given {problem.given})" if problem.given is not None else ""
    allowed = ""
    if problem.allowed and problem.allowed not in message:
        allowed = f"; allowed: {in_plain_words(problem.allowed)}"
    return f"{prefix}{message}{given}{allowed}"


def field_name(pointer: str) -> str:
    """Returns the field that a JSON Pointer names, as a dotted path; "" for the whole input.

    Example:
        >>> field_name("/axes/0/values"), field_name("/query/q"), field_name("/content/7/seed")
        ('axes.0.values', 'filter', 'row 7, seed')
    """
    keys = [key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/")[1:]]
    match keys:
        case [part, name] if part in _REQUEST_PARTS:
            return _PARAMETER_NAMES.get(name, name)
        case ["content"]:  # an imported file
            return "file"
        case ["content", row, *path]:
            return f"row {row}, {'.'.join(path)}"
        case _:
            return ".".join(keys)


def in_plain_words(message: str) -> str:
    """Rewords a message of pydantic, Click or HTTP.

    Example:
        >>> in_plain_words("Input should be a valid integer, unable to parse string as an integer")
        'should be a whole number'
    """
    for pattern, replacement in _REPLACEMENTS:
        message = pattern.sub(replacement, message)
    return message
