import json
import os
import platform
import time

import django
from django.conf import settings
from django.db import connection
from django.http import JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from guestbook.forms import EntryForm
from guestbook.models import Entry

SHOWN = 50  # entries on the page
VERSION = json.loads((settings.BASE_DIR / "version.json").read_text())


@require_safe
@vary_on_headers("Accept")
def index(request):
    """The page for browsers; JSON for everybody else."""
    if request.get_preferred_type(["application/json", "text/html"]) == "text/html":
        return _page(request, EntryForm())
    entries = list(Entry.objects.values("name", "text", "signed_at")[:SHOWN])
    return JsonResponse({"step": os.environ["STEP"], "message": "Hello from a container", "entries": entries})


@require_POST
def sign(request):
    """Store an entry, or show the page again with what is wrong about it."""
    form = EntryForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=400)
    form.save()
    return redirect("index")


def _page(request, form, status=200):
    return render(
        request, "guestbook/index.html", {"form": form, "entries": Entry.objects.all()[:SHOWN]}, status=status
    )


@require_safe
def health(request):
    """Liveness: this process answers. It asks nobody else, so it fails for no other reason."""
    return JsonResponse({"status": "ok"})


@require_safe
def ready(request):
    """Readiness: the database answers, too. If it does not, the middleware says 503 and why."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ready"})


@require_safe
def version(request):
    """Which build this is."""
    return JsonResponse({**VERSION, "python": platform.python_version(), "django": django.__version__})


@require_safe
def slow(request):
    """Answer after ``seconds`` seconds: a request to watch a shutdown with."""
    try:
        seconds = float(request.GET.get("seconds", ""))
    except ValueError:
        seconds = 0
    if not 0 < seconds <= 30:
        return JsonResponse({"error": "seconds must be a number above 0 and at most 30"}, status=400)
    print(f"answering in {seconds} seconds")
    time.sleep(seconds)
    return JsonResponse({"slept": seconds})
