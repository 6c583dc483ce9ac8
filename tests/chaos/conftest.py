"""One lab on each database for all plays: each leaves it as well as it found it, which is what they are about."""

from collections.abc import Iterator

import pytest

from tests.chaos import history
from tests.chaos.scene import Scene, on_stage
from tests.kit.database import KINDS


@pytest.fixture(scope="session", params=KINDS)
def scene(request, tmp_path_factory) -> Iterator[Scene]:
    with on_stage(request.param, tmp_path_factory.mktemp("stage")) as scene:
        yield scene


@pytest.fixture(scope="session")
def undisturbed() -> dict[str, str]:
    return history.undisturbed()
