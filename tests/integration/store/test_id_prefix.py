"""Abbreviated ids stand for the ids that begin with them, on both databases."""

import pytest
from sqlalchemy import update

from store import saved_figures
from store.db.tables import figures as table
from store.experiments import id_prefix
from tests.integration.store.test_saved_figures import RECIPE


def fig(digits: str) -> str:
    return f"fig_{digits:0<32}"


def test_ids_with_a_prefix_are_found_newest_first(database):
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
    ("text", "is_prefix"),
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
def test_prefix_has_a_kind_and_4_to_31_digits(text, is_prefix):
    assert id_prefix.is_prefix(text) is is_prefix
