"""The start of a slot's trainer: its limit, and the file that says that it is ready."""

import pytest

from tests.integration.worker.cluster import wait_for
from tests.kit import sample_specs

pytestmark = pytest.mark.parametrize("cluster", ["sqlite"], indirect=True)


def test_a_slot_marks_a_file_once_its_trainer_is_ready(cluster, tmp_path):
    worker = cluster.start_worker(EXTRAPOLAB_ALIVE_FOLDER=str(tmp_path / "slots"))
    wait_for(lambda: [*tmp_path.glob("slots/slot-*")])
    (file,) = tmp_path.glob("slots/slot-*")
    first = file.stat().st_mtime_ns
    wait_for(lambda: file.stat().st_mtime_ns > first)
    assert not cluster.submit(sample_specs.spec()).wait_for_end().failure, "an idle slot is ready"
    worker.kill()


def test_a_trainer_over_its_limit_of_cpu_is_stopped_with_a_remedy(cluster, tmp_path):
    worker = cluster.start_worker(
        EXTRAPOLAB_START_SECONDS="0.01", EXTRAPOLAB_ALIVE_FOLDER=str(tmp_path)
    )
    wait_for(lambda: "raise EXTRAPOLAB_START_SECONDS" in worker.log)
    assert "compiles a training loop" in worker.log
    assert not [*tmp_path.iterdir()], "a slot without a trainer is not alive"
    worker.kill()
