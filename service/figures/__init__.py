"""Figures of stored results: their data, and their files."""
