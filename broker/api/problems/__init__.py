"""Problem codes, and the problem+json responses that carry them."""
