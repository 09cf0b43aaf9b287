from django.core.management.base import BaseCommand

from shop import broker


class Command(BaseCommand):
    def handle(self, **_):
        broker.send_erasures()
        broker.pull()
