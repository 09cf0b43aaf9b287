"""Problem codes and their problem+json responses."""
