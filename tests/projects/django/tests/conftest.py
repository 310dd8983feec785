import os

import django

os.environ |= {"DJANGO_SETTINGS_MODULE": "mysite.settings", "SECRET_KEY": "for tests"}
django.setup()
