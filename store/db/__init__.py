"""The database: connections, tables, migrations and backups."""
