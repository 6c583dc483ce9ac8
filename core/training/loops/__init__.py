"""Loops compiled by Numba for linear students and networks, and the vector code under them."""
