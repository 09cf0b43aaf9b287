"""Events that no webhook has brought, and cursors that are too old."""

from django.core.management import call_command

from shop.models import Feed
from shop.tests.case import ShopTestCase, event, image
from shop.tests.fake_broker import Broker


class FeedTests(ShopTestCase):
    def test_the_feed_brings_what_no_webhook_has_brought(self):
        Feed.objects.update(cursor="e.0")
        events = [event(one, "image.ready", self.ad.pk, image(one)) for one in range(1, 6)]
        with Broker(events) as broker:
            call_command("pull_events")
            self.assertEqual(self.shown(), [(one, "") for one in range(1, 6)])
            self.assertEqual(Feed.objects.get().cursor, "e.5")
            broker.events.append(event(6, "image.deleted", self.ad.pk, image(1)))
            call_command("pull_events")
        self.assertEqual(self.shown(), [(one, "") for one in range(2, 6)])
        self.assertTrue(all(claims["role"] == "service" for _, _, claims in broker.sent))

    def test_a_cursor_that_is_too_old_leads_to_reading_all_files(self):
        Feed.objects.update(cursor="e.3")
        for sequence in (1, 2):
            self.push(event(sequence, "image.ready", self.ad.pk, image(sequence)))
        # Meanwhile 1 was deleted, 2 was changed, and 3 to 5 were added.
        states = [image(2, "changed"), *map(image, (3, 4, 5))]
        data = [event(0, "", self.ad.pk, state)["data"] for state in states]
        with Broker(files=data, floor=20) as broker:
            call_command("pull_events")
            self.assertEqual(self.shown(), [(2, "changed"), (3, ""), (4, ""), (5, "")])
            broker.events.append(event(21, "image.deleted", self.ad.pk, image(5)))
            call_command("pull_events")
        # A webhook that is late brings nothing back, and newer ones count.
        self.push(event(19, "image.ready", self.ad.pk, image(1)))
        self.push(event(22, "image.updated", self.ad.pk, image(2, "newest")))
        self.assertEqual(self.shown(), [(2, "newest"), (3, ""), (4, "")])

    def test_the_first_time_all_files_are_read_and_older_events_are_not_needed(self):
        with Broker(files=[event(0, "", self.ad.pk, image(1))["data"]], floor=20) as broker:
            call_command("pull_events")
            self.assertEqual(self.shown(), [(1, "")])
            broker.events.append(event(21, "image.ready", self.ad.pk, image(2)))
            call_command("pull_events")
        self.assertEqual(self.shown(), [(1, ""), (2, "")])
