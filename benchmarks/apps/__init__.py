"""Small programs to compare with: typical code of people who do not use a broker."""
