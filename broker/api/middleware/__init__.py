"""Code that runs before and after every view."""
