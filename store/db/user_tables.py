"""The tables of what users save and ask for; those of experiments are in :mod:`store.db.tables`.

``metadata`` of this module has the tables of both.
"""

from sqlalchemy import JSON, BigInteger, Column, Double, Index, Integer, Table, Text

from store.db.columns import LossyText
from store.db.tables import metadata

__all__ = ["figures", "idempotency_keys", "metadata", "notifications", "views"]

figures = Table(
    "figures",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("recipe", JSON, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("version", Integer, nullable=False),  # grows when the recipe is changed
    Index("figures_newest", "created_at", "id"),
)

views = Table(
    "views",
    metadata,
    Column("name", Text, primary_key=True),
    Column("page", Text, nullable=False),
    Column("query", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("changed_at", Double, nullable=False),
    Column("version", Integer, nullable=False),  # grows with each change
)

notifications = Table(
    "notifications",
    metadata,
    Column(
        "number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    ),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),  # the id of what it is about; a study's name and size
    Column("sweeps", JSON, nullable=False),  # the ids of the sweeps that have to end
    Column("target", Text, nullable=False),  # may hold passwords; empty once it is sent or failed
    Column("digest", Text, nullable=False),  # tells targets apart
    Column("shown", Text, nullable=False),  # the target without its secrets
    Column("owner", Text, nullable=False),
    Column("origin", Text, nullable=False),  # the address at which the owner reaches the lab
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),  # grows with every claim, as a fence
    Column("error", LossyText),
    Column("created_at", Double, nullable=False),
    Column("next_at", Double),  # earliest next attempt; while one is sent, the end of its lease
    Column("ended_at", Double),
    Index("notifications_by_state", "state", "next_at"),
    Index("notifications_by_subject", "subject"),
    Index("notifications_by_digest", "digest", "ended_at"),
    sqlite_autoincrement=True,
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("route", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request_hash", Text, nullable=False),
    Column("status", Integer),
    Column("body", JSON(none_as_null=True)),
    Column("created_at", Double, nullable=False),
    Index("idempotency_keys_oldest", "created_at"),
)
