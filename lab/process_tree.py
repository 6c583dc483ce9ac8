"""Parents and children of processes on Linux: children that die with their parent, and orphans that are found again.

Two promises of the kernel are used. PR_SET_PDEATHSIG: a child gets SIGKILL when the thread that
forked it dies, so nothing survives a SIGKILL of the lab. PR_SET_CHILD_SUBREAPER: what a dead child
leaves behind becomes our child, so nothing survives a SIGKILL of a child.
"""

import ctypes
import os
import signal
from collections.abc import Callable, Collection
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")


def adopt_orphans(*, adopt: bool) -> None:
    """Whether from now on the orphans among this process's descendants become its children."""
    _prctl(_PR_SET_CHILD_SUBREAPER, adopt)


def upbringing() -> Callable[[], None]:
    """What a child does between fork and exec: it binds its life to this process and forgets our signal set-up."""
    parent = os.getpid()

    def bring_up() -> None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # the parent died before the line above took hold
            os._exit(1)
        signal.signal(
            signal.SIGINT, signal.SIG_DFL
        )  # ignored where a shell started us in the background
        signal.pthread_sigmask(signal.SIG_SETMASK, [])

    return bring_up


def children(pid: int) -> set[int]:
    """The process ids right below ``pid``."""
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found.update(map(int, task.read_text().split()))
        except (FileNotFoundError, ProcessLookupError):  # it ended while we looked
            continue
    return found


def descendants(pid: int) -> set[int]:
    """The process ids below ``pid``, as far as they live at this moment."""
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        new = children(waiting.pop()) - found
        found |= new
        waiting += new
    return found


def reap_orphans(known: Collection[int]) -> None:
    """Takes note of the end of adopted children, those that aren't ``known``, so that no zombies gather."""
    for pid in children(os.getpid()) - set(known):
        os.waitpid(pid, os.WNOHANG)


def end_orphans(known: Collection[int]) -> None:
    """Kills every adopted child, one that isn't ``known``, then those that this makes orphans, until none is left."""
    while orphans := children(os.getpid()) - set(known):
        for pid in orphans:
            os.kill(
                pid, signal.SIGKILL
            )  # can't hit a stranger: until we reap it, the number stays taken
            os.waitpid(pid, 0)
