"""A shop that is administered by Django's own admin: `manage.py FOLDER COMMAND…`; what it keeps is in FOLDER."""

import sys
from pathlib import Path

from django.conf import settings
from django.core.management import execute_from_command_line
from django.urls import path

HERE = Path(__file__).resolve().parent
FOLDER = Path(sys.argv.pop(1))
sys.path.insert(0, str(HERE.parent))

settings.configure(
    DEBUG=True,
    SECRET_KEY="of a shop that tests run",
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=[
        "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
        "django.contrib.messages", "django.contrib.staticfiles", "shop",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    TEMPLATES=[{
        "BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
        "OPTIONS": {"context_processors": [
            "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
            "django.contrib.messages.context_processors.messages",
        ]},
    }],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "shop.sqlite"}},
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],  # at once
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    MEDIA_ROOT=FOLDER / "media", STATIC_URL="/static/", TIME_ZONE="UTC", USE_TZ=True,
)  # fmt: skip
urlpatterns = []


def _urls() -> None:
    from django.contrib import admin

    urlpatterns.append(path("admin/", admin.site.urls))


if __name__ == "__main__":
    import django

    django.setup()
    _urls()
    execute_from_command_line(sys.argv)
