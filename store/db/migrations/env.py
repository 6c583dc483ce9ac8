"""Runs Alembic's migrations in the transaction that :mod:`store.db.migrate` opens."""

from alembic import context

from store.db.user_tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite can't alter most of a table in place
)
context.run_migrations()
