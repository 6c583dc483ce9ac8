"""What Numba compiles: vectors, tiles and formulas in machine code; the loops of linear students and of networks."""
