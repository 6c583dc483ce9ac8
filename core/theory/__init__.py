"""Theory that needs no training: the moment problem, the theorem, the infinitely wide student."""
