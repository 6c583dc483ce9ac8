import os
import signal
import time

from worker.shutdown import Leash


def test_a_leash_holds_until_the_parent_lets_go():
    leash = Leash()
    assert not leash.broken
    leash.let_go()
    leash.let_go()
    assert leash.broken


def test_a_slot_sees_its_parent_die():
    leash = Leash()
    if (parent := os.fork()) == 0:
        time.sleep(60)
        os._exit(1)
    leash.take()
    assert not leash.broken
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    assert leash.broken
