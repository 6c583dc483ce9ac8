"""The HTTP routes, a file a resource.

Routes never import routes; what two of them share lies below.
"""
