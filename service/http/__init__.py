"""HTTP shared by all routes: bodies, parameters, problems, ETags, pagination, OpenAPI."""
