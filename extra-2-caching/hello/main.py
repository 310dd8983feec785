"""A small web application that says which step of the tutorial it belongs to."""

import time

from flask import Flask, request

app = Flask(__name__)


@app.get("/")
def index():
    return {"step": "extra-2-caching", "message": "Hello from a container"}


@app.get("/health")
def health():
    """Liveness: this process answers. It asks nobody else, so it fails for no other reason."""
    return {"status": "ok"}


@app.get("/slow")
def slow():
    """Answer after ``seconds`` seconds: a request to watch a shutdown with."""
    seconds = request.args.get("seconds", default=0, type=float)
    if not 0 < seconds <= 30:
        return {"error": "seconds must be a number above 0 and at most 30"}, 400
    print(f"answering in {seconds} seconds")
    time.sleep(seconds)
    return {"slept": seconds}
