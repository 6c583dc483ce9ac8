"""New ids differ in the digits that one types, and the rows of one submission in their times."""

import os
import re

from store.experiments.rows import ID
from store.ids import new_id, times


def test_ids_in_a_row_differ_in_their_first_four_digits():
    ids = [new_id("exp") for _ in range(46_368)]
    assert len({name[: len("exp_0000")] for name in ids}) == len(ids)
    assert all(ID.fullmatch(name) for name in ids)


def test_ids_of_a_forked_process_begin_elsewhere():
    read, write = os.pipe()
    if os.fork() == 0:
        os.write(write, new_id("worker").encode())
        os._exit(0)
    os.wait()
    forked, own = os.read(read, 99).decode(), new_id("worker")
    assert re.fullmatch(r"worker_[0-9a-f]{32}", forked)
    assert forked[: len("worker_00000000")] != own[: len("worker_00000000")]


def test_rows_of_one_submission_have_different_times_up_to_its_own():
    at = 4e9  # as coarse as doubles get this century
    made = times(at, 20_000)
    assert made == sorted(set(made))
    assert made[-1] == at
    assert at - made[0] < 0.1
