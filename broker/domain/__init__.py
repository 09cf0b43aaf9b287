"""The broker's rules as pure functions and frozen values. Imports only the standard library."""
