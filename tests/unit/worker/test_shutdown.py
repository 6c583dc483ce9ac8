"""The shutdown pipe reports a stop when the parent requests one or dies."""

import os
import signal
import time

from worker.shutdown import ShutdownPipe


def test_a_stop_is_requested_when_the_parent_closes_its_end():
    shutdown = ShutdownPipe()
    assert not shutdown.stop_requested
    shutdown.request_stop()
    shutdown.request_stop()
    assert shutdown.stop_requested


def test_the_death_of_the_parent_requests_a_stop():
    shutdown = ShutdownPipe()
    if (parent := os.fork()) == 0:
        time.sleep(60)
        os._exit(1)
    shutdown.drop_parent_end()
    assert not shutdown.stop_requested
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    assert shutdown.stop_requested
