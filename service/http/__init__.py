"""What every route shares of HTTP: bodies, parameters, problems, ETags, pagination."""
