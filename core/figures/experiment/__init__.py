"""Figures of one experiment."""
