"""Answers of a lab: rows, arrays, counts and files, and how they are shown."""
