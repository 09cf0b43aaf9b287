"""Inspect an image file: verify, clean, convert, resize. The only package that imports pyvips.

The functions read and write files in one directory. They know no bucket and no database.
"""
