"""Small charts as SVG: places of marks, computed on the server."""
