import time

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from pages.models import Visit


def index(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/index.html")


def report(request: HttpRequest) -> HttpResponse:
    time.sleep(2)
    return HttpResponse("done")


def visits(request: HttpRequest) -> HttpResponse:
    Visit.objects.create()
    return HttpResponse(f"{Visit.objects.count()} visits")
