"""Exports: rows as CSV, Parquet, Arrow and NDJSON."""
