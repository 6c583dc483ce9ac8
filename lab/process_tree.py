"""Process trees on Linux: children that die with their parent, and orphans that are adopted.

PR_SET_PDEATHSIG: the kernel kills a child when the thread that forked it dies, so that nothing
survives a SIGKILL of the lab. PR_SET_CHILD_SUBREAPER: orphans of a dead child become children of
this process, so that nothing survives a SIGKILL of a child.
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
    """Sets whether orphaned descendants become children of this process."""
    _prctl(_PR_SET_CHILD_SUBREAPER, adopt)


def child_setup() -> Callable[[], None]:
    """Returns a function for children to call before exec: they then die with this process."""
    parent = os.getpid()

    def set_up() -> None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # the parent died before the line above took effect
            os._exit(1)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background job ignores it
        signal.pthread_sigmask(signal.SIG_SETMASK, [])

    return set_up


def children(pid: int) -> set[int]:
    """The ids of the direct children of ``pid``."""
    pids: set[int] = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            pids.update(map(int, task.read_text().split()))
        except (FileNotFoundError, ProcessLookupError):  # it just ended
            continue
    return pids


def descendants(pid: int) -> set[int]:
    """The ids of all living processes below ``pid``."""
    pids: set[int] = set()
    unvisited = [pid]
    while unvisited:
        new = children(unvisited.pop()) - pids
        pids |= new
        unvisited += new
    return pids


def cpu_seconds(pid: int) -> float:
    """The CPU time of ``pid`` and everything below it, ended children included."""
    ticks = 0
    for member in {pid, *descendants(pid)}:
        try:
            fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):  # it just ended
            continue
        ticks += sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime
    return ticks / os.sysconf("SC_CLK_TCK")


def reap_orphans(known: Collection[int]) -> None:
    """Reaps adopted children that have ended: all children but the ``known`` ones."""
    for pid in children(os.getpid()) - set(known):
        os.waitpid(pid, os.WNOHANG)


def kill_orphans(known: Collection[int]) -> None:
    """Kills all children but the ``known`` ones, then their orphans, until none is left."""
    while orphans := children(os.getpid()) - set(known):
        for pid in orphans:
            os.kill(pid, signal.SIGKILL)  # its id can't be reused before waitpid
            os.waitpid(pid, 0)
