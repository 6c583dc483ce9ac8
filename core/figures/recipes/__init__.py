"""Figures of all experiments that match a query, drawn from recipes."""
