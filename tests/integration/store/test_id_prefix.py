"""Ids that are cut short, on both databases."""

import pytest
from sqlalchemy import update

from store import saved_figures
from store.db.tables import figures as table
from store.experiments import id_prefix
from tests.integration.store.test_saved_figures import RECIPE


def fig(beginning: str) -> str:
    return f"fig_{beginning:0<32}"


def test_the_newest_ids_that_begin_so_are_found_and_no_others(database):
    names = [fig("01a2"), fig("01a2f"), fig("01a2ff"), fig("01a3"), fig("01a1f")]
    with database.write() as tx:
        for name in names:
            saved = saved_figures.save(tx, RECIPE, owner="")
            tx.execute(update(table).where(table.c.id == saved.id).values(id=name))
    with database.read() as tx:
        assert id_prefix.ids_with_prefix(tx, "fig_01a2", limit=9) == [
            fig("01a2ff"),
            fig("01a2f"),
            fig("01a2"),
        ]
        assert id_prefix.ids_with_prefix(tx, "fig_01a2", limit=2) == [fig("01a2ff"), fig("01a2f")]
        assert id_prefix.ids_with_prefix(tx, "fig_01a20", limit=9) == [fig("01a2")]
        assert id_prefix.ids_with_prefix(tx, "fig_0000", limit=9) == []
        assert id_prefix.ids_with_prefix(tx, "exp_01a2", limit=9) == []


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("exp_01a2", True),
        ("worker_" + "0" * 31, True),
        ("exp_01a", False),
        ("exp_" + "0" * 32, False),
        ("exp_01A2", False),
        ("imp_01a2", False),
        ("exp_01a2%", False),
        ("01a201a2", False),
    ],
)
def test_only_a_beginning_that_says_something_is_looked_up(text, cut):
    assert id_prefix.is_prefix(text) is cut
