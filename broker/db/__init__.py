"""Models, sessions and migrations. Only this package knows the database's dialects."""
