"""`broker doctor`: checks of a deployment against its real bucket, database and keys.

Each module checks one thing and is named for it. The doctor acts as a client does, over plain
HTTP and through the API's own services; the only layer above it is `cli`.
"""
