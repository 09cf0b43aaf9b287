"""The app for gunicorn, granian and other WSGI servers: `wsgi:app`, from wherever they start."""

from broker.app import create_app

app = create_app()
