"""Erasures of users and of owners, for services, and the state of each."""
