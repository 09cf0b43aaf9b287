"""Events on their way to the marketplace: sent, signed, tried again, replayed."""
