"""The commands, one module per noun of the command line. They never import each other."""
