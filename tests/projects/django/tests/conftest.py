import os

os.environ |= {"DJANGO_SETTINGS_MODULE": "mysite.settings", "SECRET_KEY": "for tests"}
