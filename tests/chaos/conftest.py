"""One lab on each database, shared by all tests: each leaves it as healthy as it found it."""

from collections.abc import Iterator

import pytest

from tests.chaos import digests
from tests.chaos.chaos_lab import ChaosLab, running_chaos_lab
from tests.kit.database import KINDS


@pytest.fixture(scope="session", params=KINDS)
def chaos_lab(request, tmp_path_factory) -> Iterator[ChaosLab]:
    with running_chaos_lab(request.param, tmp_path_factory.mktemp("chaos")) as lab:
        yield lab


@pytest.fixture(scope="session")
def expected_digests() -> dict[str, str]:
    return digests.expected_digests()
