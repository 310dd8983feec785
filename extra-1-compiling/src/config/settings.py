"""Django's settings. What differs between a laptop and a server comes from the environment."""

import logging
import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent.parent

# Production, unless somebody says otherwise.
DEVELOPMENT = os.environ.get("ENVIRONMENT") == "development"
DEVELOPMENT_DEFAULT = "development-only"


def secret(name: str) -> str:
    """Read a secret from the file that `<name>_FILE` names, or else from the variable itself."""
    file = os.environ.get(f"{name}_FILE")
    value = Path(file).read_text().strip() if file else os.environ.get(name, "")
    if not DEVELOPMENT and value in ("", DEVELOPMENT_DEFAULT):
        seen = "is the development default" if value else "is not set"
        raise ImproperlyConfigured(
            f"{name} {seen}: set {name} or {name}_FILE, or ENVIRONMENT=development on your own machine"
        )
    return value or DEVELOPMENT_DEFAULT


SECRET_KEY = secret("SECRET_KEY")
DEBUG = DEVELOPMENT and os.environ.get("DEBUG") == "1"

ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
# Behind a proxy that ends TLS, browsers send this origin and Django sees plain HTTP.
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS]
CSRF_COOKIE_SECURE = not DEVELOPMENT

INSTALLED_APPS = ["django.contrib.staticfiles", "guestbook"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "guestbook.middleware.DatabaseAway",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ.get("POSTGRES_HOST", "db"),
        "PORT": os.environ.get("POSTGRES_PORT", "5432"),
        "NAME": os.environ.get("POSTGRES_DB", "guestbook"),
        "USER": os.environ.get("POSTGRES_USER", "guestbook"),
        "PASSWORD": secret("POSTGRES_PASSWORD"),
        # Each thread keeps its connection for a minute, and checks it before it uses it again.
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 3},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Rollup builds into dist/. `collectstatic` copies that to static/ and adds a hash of the content to each name.
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "dist"]
STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}}

USE_TZ = True
TIME_ZONE = "UTC"


def one_line_for_bad_requests(record: logging.LogRecord) -> bool:
    """What a visitor does wrong is one line; what this program does wrong has its traceback."""
    if record.name.startswith("django.security"):
        record.exc_info = None
    return True


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s: %(message)s"}},
    "filters": {"one_line": {"()": "django.utils.log.CallbackFilter", "callback": one_line_for_bad_requests}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["one_line"]}},
    "root": {"handlers": ["console"], "level": "INFO"},
    # Django's own handlers would mail errors to nobody, and print them twice with DEBUG.
    "loggers": {"django": {"handlers": [], "level": "INFO"}},
}
