"""Conditions of filters, as links to what they find have them."""

import json
from typing import Any


def condition(path: str, value: Any) -> str:
    """The condition that a field has a value.

    Example:
        >>> condition("training.length", 4), condition("student.kind", "gru")
        ('training.length = 4', 'student.kind = "gru"')
        >>> condition("student.tied", True), condition("student.start.fixed", None)
        ('student.tied', 'student.start.fixed is null')
    """
    if value is None:
        return f"{path} is null"
    if isinstance(value, bool):
        return path if value else f"not {path}"
    return f"{path} = {json.dumps(value)}"
