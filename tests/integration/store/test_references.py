"""References mean one id each, on both databases: digits, names and @latest."""

import pytest
from sqlalchemy import update

from store import saved_figures
from store.db.user_tables import figures as table
from store.errors import AmbiguousReference, WrongKind
from store.experiments import references
from store.experiments.references import Kind, kind_of, resolve
from tests.integration.store.test_saved_figures import RECIPE

NAMES = {"01a2": "", "01a2f": "cliff", "01a3": "cliff", "01a1f": "fig_01a3", "01b0": "@latest"}


def fig(digits: str) -> str:
    return f"fig_{digits:0<32}"


@pytest.fixture
def tx(database):
    """A transaction on a database with figures of these ids and names, the last the newest."""
    with database.write() as tx:
        for digits, name in NAMES.items():
            saved = saved_figures.save(tx, RECIPE.model_copy(update={"name": name}), owner="")
            tx.execute(update(table).where(table.c.id == saved.id).values(id=fig(digits)))
        yield tx


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        (fig("01a2"), fig("01a2")),
        ("fig_01a20", fig("01a2")),
        ("fig_01a3", fig("01a3")),  # the id, though another figure has this name
        ("@latest", fig("01b0")),
        (fig("ffff"), fig("ffff")),  # whole ids are not looked up
        ("fig_0000", None),
        ("Cliff", None),
        ("", None),
        ("cliff\0", None),
        ("x" * 999, None),
    ],
)
def test_a_reference_means_one_id(tx, reference, found):
    assert resolve(tx, Kind.FIGURE, reference) == found


@pytest.mark.parametrize(
    ("reference", "ids"), [("fig_01a2", ("01a2f", "01a2")), ("cliff", ("01a3", "01a2f"))]
)
def test_several_matches_are_an_error_with_the_newest_first(tx, reference, ids):
    with pytest.raises(AmbiguousReference) as caught:
        resolve(tx, Kind.FIGURE, reference)
    assert caught.value.allowed == ", ".join(map(fig, ids))


def test_an_error_names_a_few_of_many(tx):
    for _ in range(references.MAX_NAMED_IDS):
        saved_figures.save(tx, RECIPE.model_copy(update={"name": "cliff"}), owner="")
    with pytest.raises(AmbiguousReference) as caught:
        resolve(tx, Kind.FIGURE, "cliff")
    assert caught.value.allowed.count("fig_") == references.MAX_NAMED_IDS
    assert caught.value.allowed.endswith(", ...")


@pytest.mark.parametrize(
    ("kind", "reference", "reason"),
    [
        (Kind.EXPERIMENT, "fig_01a3", "it is the id of a saved figure"),
        (Kind.SWEEP, "cliff", "a saved figure has this name"),
        (Kind.FIGURE, "@newest", "no reference but @latest begins with @"),
        (Kind.WORKER, "@latest", "no reference but @latest begins with @"),
    ],
)
def test_other_kinds_are_named(tx, kind, reference, reason):
    with pytest.raises(WrongKind, match=reason):
        resolve(tx, kind, reference)


def test_a_name_that_looks_like_an_id_is_never_taken_for_one(tx):
    tx.execute(update(table).where(table.c.id == fig("01a3")).values(id=fig("0c")))
    with pytest.raises(WrongKind, match=f"use its own id, {fig('01a1f')}"):
        resolve(tx, Kind.FIGURE, "fig_01a3")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("exp_01a2", Kind.EXPERIMENT),
        ("worker_" + "0" * 31, Kind.WORKER),
        ("swp_" + "0" * 32, Kind.SWEEP),
        ("exp_01a", None),
        ("exp_" + "0" * 33, None),
        ("exp_01A2", None),
        ("imp_01a2", None),
        ("exp_01a2%", None),
        ("01a201a2", None),
    ],
)
def test_an_id_has_a_kind_and_4_to_32_digits(text, kind):
    assert kind_of(text) is kind
