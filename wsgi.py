"""The app for gunicorn, granian and other WSGI servers: `wsgi:app`, from wherever they start."""

import sys

from broker.app import create_app
from broker.config import SettingsError
from broker.domain.errors import CannotStart

# gunicorn ends with this status instead of starting its workers again ("App failed to load").
CANNOT_LOAD = 4

try:
    app = create_app()
except SettingsError as error:
    sys.stderr.write(f"broker: {error}\n")
    sys.exit(CANNOT_LOAD)
except CannotStart as error:
    sys.stderr.write(f"broker: {error.for_operators}\n")
    sys.exit(CANNOT_LOAD)
