"""The HTTP routes, one module per resource.

Route modules never import each other; code that several share lies below them.
"""
