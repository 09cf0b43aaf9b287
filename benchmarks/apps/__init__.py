"""Small programs to compare with: what people write when they have no broker."""
