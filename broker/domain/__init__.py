"""The rules of the broker, in pure functions and frozen values. Standard library only."""
