"""The app for gunicorn, granian and other WSGI servers: `wsgi:app`, from wherever they start."""

import gc
import sys

# What the imports create stays. To search it for garbage takes a fifth of the time of a start.
gc.disable()

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

gc.freeze()  # Later searches skip what exists now. Forked workers go on sharing its memory.
gc.enable()
