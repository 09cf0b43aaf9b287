"""A phone's network on this machine: a link with a rate, a round-trip time and loss."""
