import os
import time

import psycopg
from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return f"{psycopg.pq.__impl__}, libpq {psycopg.pq.version()}"


@app.get("/visits")
def visits():
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS visits (time timestamptz DEFAULT now())")
        connection.execute("INSERT INTO visits DEFAULT VALUES")
        (number,) = connection.execute("SELECT count(*) FROM visits").fetchone()
    return f"{number} visits"


@app.get("/report")
def report():
    time.sleep(2)
    return "done"
