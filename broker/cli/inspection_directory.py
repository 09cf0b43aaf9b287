"""The directory for temporary files of commands that inspect images."""

from pathlib import Path

import click

from broker.inspection.directories import inspection_root, remove_stale


def inspection_directory() -> Path:
    """Return the directory, without the files that killed processes have left in it.

    Raises:
        click.ClickException: it cannot be used.
    """
    try:
        root = inspection_root()
        remove_stale(root)
    except OSError as error:
        raise click.ClickException(f"temporary files: {error}") from None
    return root
