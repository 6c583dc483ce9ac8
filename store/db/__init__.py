"""The database: connections, tables, migrations, backup."""
