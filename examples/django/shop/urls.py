from django.urls import include, path
from django.views.generic import DetailView
from rest_framework.routers import DefaultRouter
from rest_framework_simplejwt.views import TokenObtainPairView

from shop.api import AdViewSet, UserViewSet, webhook
from shop.models import Ad

router = DefaultRouter()
router.register("ads", AdViewSet)
router.register("users", UserViewSet)
urlpatterns = [
    path("api/", include(router.urls)),
    path("api/token/", TokenObtainPairView.as_view()),
    path("ads/<int:pk>/", DetailView.as_view(model=Ad, template_name="ad.html")),
    path("webhooks/broker/", webhook),
]
