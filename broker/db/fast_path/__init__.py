"""Statements that skip SQLAlchemy's session, for the requests that are most frequent."""
