"""The old URLs and the old JSON. Uploads are requested here and confirmed at the broker."""

from contextlib import suppress

from django.conf import settings
from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import mixins, permissions, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response
from standardwebhooks import Webhook, WebhookVerificationError

from shop import broker
from shop.models import Ad, User


class UserSerializer(serializers.BaseSerializer):
    def to_representation(self, user):
        avatar = ([image.state for image in user.avatars.all() if image.state] or [{}])[-1]
        return {name: getattr(user, name) for name in ("id", "first_name", "last_name")} | {
            "email": user.email if user == self.context["request"].user else None,
            "name": user.get_full_name(),
            "avatar": avatar.get("image"),
            "avatar_url": avatar.get("image_url"),
            "avatar_image": avatar or None,
        }


class AdSerializer(serializers.ModelSerializer):
    class Meta:
        model, fields, read_only_fields = Ad, "__all__", ["owner", "is_sold"]

    def to_representation(self, ad):
        owner = UserSerializer(ad.owner, context=self.context).data
        images = [image.state for image in ad.images.all() if image.state]
        return super().to_representation(ad) | {
            "owner_info": {name: owner[name] for name in ("id", "email", "name")},
            "main_image_url": images[0]["image_url"] if images else None,
            "images": images,
        }


class IsOwnerOrReadOnly(permissions.IsAuthenticatedOrReadOnly):
    def has_object_permission(self, request, view, found):
        owner = getattr(found, "owner", found)
        return request.method in permissions.SAFE_METHODS or request.user == owner


class WithUploads(viewsets.GenericViewSet):
    permission_classes = [IsOwnerOrReadOnly]

    @action(detail=True, methods=["post"])
    def upload_token(self, request, pk):
        """Return a token for clients that send all requests about images to the broker."""
        token = broker.user_token(request.user, self.profile, self.get_object().pk)
        return Response({"token": token})

    @action(detail=True, methods=["post"], url_path="upload_(?:image|avatar)")
    def upload(self, request, pk):
        """Return a ticket of the broker, which has the same path, and a token to confirm it."""
        token = self.upload_token(request, pk).data["token"]
        answer = broker.send("POST", request.path, token, json=request.data)
        body = answer.json()
        if answer.status_code == 201:
            body |= {"confirm_url": settings.BROKER_URL + body["confirm_url"], "token": token}
        return Response(body, answer.status_code)


class AdViewSet(WithUploads, viewsets.ModelViewSet):
    profile, serializer_class = "ad_image", AdSerializer
    queryset = Ad.objects.order_by("-id").prefetch_related("images", "owner__avatars")

    def perform_create(self, serializer):
        serializer.save(owner=self.request.user)

    @action(detail=True, methods=["post"])
    def mark_sold(self, request, pk):
        ad = self.get_object()
        ad.is_sold = True
        ad.save()
        return Response(self.get_serializer(ad).data)


class UserViewSet(WithUploads, mixins.RetrieveModelMixin, mixins.DestroyModelMixin):
    profile, serializer_class = "avatar", UserSerializer
    queryset = User.objects.prefetch_related("avatars")


@csrf_exempt
def webhook(request):
    """Receive an event, if one of the secrets has signed these bytes."""
    for secret in settings.BROKER_WEBHOOK_SECRETS:
        with suppress(WebhookVerificationError, ValueError):  # ValueError: no signature at all
            event = Webhook(secret).verify(request.body, request.headers)
            break
    else:
        return HttpResponse(status=400)
    broker.receive(event)
    return HttpResponse(status=204)
