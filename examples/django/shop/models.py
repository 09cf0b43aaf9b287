"""The marketplace's tables. The broker's events fill the table of images."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.signals import post_delete
from django.dispatch import receiver


class User(AbstractUser): ...


class Ad(models.Model):
    owner = models.ForeignKey(User, models.CASCADE, related_name="ads")
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    price = models.DecimalField(max_digits=10, decimal_places=2)
    is_active = models.BooleanField(default=True)
    is_sold = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)


class Image(models.Model):
    """An image of an ad or an avatar. The row stays after a deletion, without its state."""

    id = models.BigIntegerField(primary_key=True)  # the broker's id
    ad = models.ForeignKey(Ad, models.CASCADE, null=True, related_name="images")
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="avatars")
    sequence = models.BigIntegerField()  # of the newest event
    state = models.JSONField(null=True)

    class Meta:
        ordering = ["state__order", "id"]


class Feed(models.Model):  # one row, which the migration inserts
    cursor = models.TextField(default="")  # of the first event that was not read
    floor = models.BigIntegerField(default=0)  # events up to this sequence change nothing


class Erasure(models.Model):  # what the broker still has to be asked to erase
    path = models.CharField(max_length=100)


@receiver(post_delete, sender=Ad)
@receiver(post_delete, sender=User)
def erase(sender, instance, **_):
    """Record the erasure in the transaction of the deletion."""
    kind = "owners/ad_image" if sender is Ad else "users"
    Erasure.objects.create(path=f"/api/{kind}/{instance.pk}/")
