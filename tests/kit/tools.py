"""Tests that need a program of the system: skipped where it is missing, failing in CI."""

import os
import shutil
from typing import NoReturn

import pytest


def require(*programs: str, package: str) -> None:
    """Skips the test if a program is missing; fails in CI, where every test must run.

    Args:
        programs: The names of the programs.
        package: What to install, in words.
    """
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        leave_out(f"{', '.join(missing)} not found: install {package}")


def leave_out(reason: str) -> NoReturn:
    """Skips the test, or fails it in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must run this test: {reason}")
    pytest.skip(f"NOT TESTED: {reason}")
