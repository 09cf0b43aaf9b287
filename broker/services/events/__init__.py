"""Events: what became true in the broker, for the marketplace to read or to be sent."""
