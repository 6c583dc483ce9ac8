"""Training of linear students on closed-form losses."""
