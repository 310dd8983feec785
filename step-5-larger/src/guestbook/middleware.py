import logging

from django.db import InterfaceError, OperationalError
from django.http import JsonResponse
from django.shortcuts import render

logger = logging.getLogger(__name__)


class DatabaseAway:
    """Answer 503 with the reason while the database does not, instead of 500 and a traceback."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        if not isinstance(exception, (OperationalError, InterfaceError)):
            return None
        reason = " ".join(str(exception).split())
        logger.error("%s: the database does not answer: %s", request.path, reason)
        if request.get_preferred_type(["application/json", "text/html"]) == "text/html":
            response = render(request, "guestbook/away.html", status=503)
        else:
            response = JsonResponse({"status": "unavailable", "reason": reason}, status=503)
        response["Retry-After"] = "5"  # seconds
        return response
