from os import environ

SECRET_KEY = environ["DJANGO_SECRET_KEY"]
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
ROOT_URLCONF = "shop.urls"
AUTH_USER_MODEL = "shop.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "shop"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "shop.db"}}
DATABASES["default"]["OPTIONS"] = {"transaction_mode": "IMMEDIATE"}  # wait for other writers
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 50,
}
TIME_ZONE = "UTC"
SIMPLE_JWT = {"SIGNING_KEY": environ["BROKER_JWT_SECRET"], "USER_ID_CLAIM": "sub", "ISSUER": "shop"}
BROKER_URL = environ.get("BROKER_URL", "http://127.0.0.1:8001")
BROKER_WEBHOOK_SECRETS = environ["BROKER_WEBHOOK_SECRET"].split(",")  # the broker has both secrets
