"""Tells specs of experiments and of sweeps apart, before either is read."""

from collections.abc import Mapping


def looks_like_sweep(content: object) -> bool:
    """Whether content is meant as a sweep: it has a base or axes, but no teacher of its own.

    Example:
        >>> looks_like_sweep({"base": {"teacher": {"kind": "delay"}}, "axes": []})
        True
        >>> looks_like_sweep({"teacher": {"kind": "delay"}})
        False
    """
    return _has_any(content, "base", "axes") and not _has_any(content, "teacher", "student")


def looks_like_experiment(content: object) -> bool:
    """Whether content is meant as one experiment: it has a teacher or a student, but no base."""
    return _has_any(content, "teacher", "student") and not _has_any(content, "base", "axes")


def _has_any(content: object, *names: str) -> bool:
    return isinstance(content, Mapping) and any(name in content for name in names)
