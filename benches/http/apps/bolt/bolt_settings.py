"""The smallest Django project that django-bolt serves."""

SECRET_KEY = "only for the bench"
DEBUG = False
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["django_bolt"]
MIDDLEWARE: list[str] = []
ROOT_URLCONF = "bolt_urls"
DATABASES: dict[str, object] = {}
USE_TZ = True
BOLT_API = ["bolt_api:api"]
LOGGING = {
    # By default it logs every request, which no other contestant does here.
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {"django.server": {"level": "ERROR", "handlers": [], "propagate": False}},
}
