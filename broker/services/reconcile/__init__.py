"""Compare the bucket with the database, and the database with itself."""
