"""`broker doctor`: check a deployment against its real bucket, database and keys.

Each module checks one thing and is named after it. The doctor acts as a client: it sends plain
HTTP and calls the API's own services. Only the layer `cli` is above it.
"""
