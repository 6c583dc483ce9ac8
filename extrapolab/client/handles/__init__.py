"""Handles of what a lab has: experiments, sweeps, studies, figures and queries."""
