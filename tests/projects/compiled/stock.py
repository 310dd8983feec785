import time

import psycopg
from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return f"{psycopg.pq.__impl__}, libpq {psycopg.pq.version()}"


@app.get("/report")
def report():
    time.sleep(2)
    return "done"
