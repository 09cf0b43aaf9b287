"""The broker's ads in Django REST Framework: ModelSerializer, select_related and prefetch_related.

`drf_settings` has its settings.
"""

import base64
import os
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import django
from django.core.wsgi import get_wsgi_application
from django.db import models
from django.db.models import Prefetch
from django.http import HttpRequest, JsonResponse
from django.urls import path
from rest_framework import generics, serializers
from rest_framework.pagination import BasePagination
from rest_framework.response import Response

MEDIA_URL = os.environ["MEDIA_URL"]
PAGE = 20
# Models can be defined when Django has read its settings.
django.setup()


class User(models.Model):
    """A seller."""

    first_name = models.CharField(max_length=150)
    last_name = models.CharField(max_length=150)

    class Meta:
        app_label, db_table, managed = "ads", "users", False

    @property
    def name(self) -> str:
        """The full name."""
        return f"{self.first_name} {self.last_name}".strip()


class Ad(models.Model):
    """An ad."""

    owner = models.ForeignKey(User, models.PROTECT)
    title = models.CharField(max_length=200)
    description = models.TextField()
    cents = models.BigIntegerField(db_column="price")
    is_active = models.BooleanField()
    is_sold = models.BooleanField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        app_label, db_table, managed = "ads", "ads", False

    @property
    def price(self) -> Decimal:
        """The price in whole units."""
        return Decimal(self.cents).scaleb(-2)


class Image(models.Model):
    """An image of an ad."""

    ad = models.ForeignKey(Ad, models.PROTECT, db_column="owner_id", related_name="images")
    owner_kind = models.CharField(max_length=32)
    key = models.CharField(max_length=255)
    alt_text = models.CharField(max_length=500)
    order = models.IntegerField()
    width = models.IntegerField(null=True)
    height = models.IntegerField(null=True)
    thumbhash = models.CharField(max_length=64, null=True)
    created_at = models.DateTimeField()

    class Meta:
        app_label, db_table, managed = "ads", "images", False
        ordering = ("order", "created_at", "id")


class Variant(models.Model):
    """A smaller version of an image."""

    image = models.ForeignKey(Image, models.CASCADE, related_name="variants")
    key = models.CharField(max_length=255)
    content_type = models.CharField(max_length=64)
    width = models.IntegerField()
    height = models.IntegerField()

    class Meta:
        app_label, db_table, managed = "ads", "image_variants", False
        ordering = ("width",)


def url_of(key: str) -> str:
    """Return the public URL of an object."""
    return f"{MEDIA_URL}/{quote(key)}"


class VariantSerializer(serializers.ModelSerializer):
    """A variant as JSON."""

    url = serializers.SerializerMethodField()

    class Meta:
        model = Variant
        fields = ("width", "height", "content_type", "url")

    def get_url(self, variant: Variant) -> str:
        """Return the public URL."""
        return url_of(variant.key)


class ImageSerializer(serializers.ModelSerializer):
    """An image as JSON."""

    image = serializers.CharField(source="key")
    image_url = serializers.SerializerMethodField()
    variants = VariantSerializer(many=True)

    class Meta:
        model = Image
        fields = (
            *("id", "image", "image_url", "alt_text", "order", "width", "height", "thumbhash"),
            *("variants", "created_at"),
        )

    def get_image_url(self, image: Image) -> str:
        """Return the public URL."""
        return url_of(image.key)


class OwnerSerializer(serializers.ModelSerializer):
    """What everybody may see of a seller."""

    subject = serializers.ReadOnlyField(default=None)
    email = serializers.ReadOnlyField(default=None)
    name = serializers.CharField()

    class Meta:
        model = User
        fields = ("id", "subject", "email", "name")


class AdSerializer(serializers.ModelSerializer):
    """An ad as JSON."""

    price = serializers.DecimalField(max_digits=12, decimal_places=2)
    owner_info = OwnerSerializer(source="owner")
    main_image_url = serializers.SerializerMethodField()
    images = ImageSerializer(many=True)

    class Meta:
        model = Ad
        fields = (
            *("id", "title", "description", "price", "is_active", "is_sold", "owner"),
            *("owner_info", "main_image_url", "images", "created_at", "updated_at"),
        )

    def get_main_image_url(self, ad: Ad) -> str | None:
        """Return the public URL of the first image."""
        images = ad.images.all()
        return url_of(images[0].key) if images else None


class NewestFirst(BasePagination):
    """The first page, newest first, and the cursor of the next one."""

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> list[Ad]:
        """Return the page."""
        found = list(queryset[: PAGE + 1])
        self.page = found[:PAGE]
        self.more = len(found) > PAGE
        return self.page

    def get_paginated_response(self, data: Any) -> Response:
        """Return the page as JSON."""
        last = base64.urlsafe_b64encode(str(self.page[-1].id).encode()).decode().rstrip("=")
        return Response({"results": data, "next_cursor": last if self.more else None})


ADS = (
    Ad.objects.order_by("-id")
    .select_related("owner")
    .prefetch_related(Prefetch("images", Image.objects.filter(owner_kind="ad")), "images__variants")
)


class OneAd(generics.RetrieveAPIView):
    """Read an ad."""

    queryset = ADS
    serializer_class = AdSerializer


class ManyAds(generics.ListAPIView):
    """List the newest ads."""

    queryset = ADS
    serializer_class = AdSerializer
    pagination_class = NewestFirst


def healthz(_request: HttpRequest) -> JsonResponse:
    """Answer health checks."""
    return JsonResponse({"status": "ok"})


urlpatterns = [
    path("healthz", healthz),
    path("api/ads/<int:pk>/", OneAd.as_view()),
    path("api/ads/", ManyAds.as_view()),
]
app = get_wsgi_application()
