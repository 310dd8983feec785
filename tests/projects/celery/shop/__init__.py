import time

from celery import Celery
from flask import Flask

tasks = Celery("shop", broker="redis://redis:6379/0", backend="redis://redis:6379/1")
tasks.conf.broker_connection_retry_on_startup = True
app = Flask(__name__)


@tasks.task
def add(a, b):
    return a + b


@app.get("/")
def index():
    return "Our back office"


@app.get("/sum")
def sum_of_two():
    return str(add.delay(40, 2).get(timeout=30))


@app.get("/report")
def report():
    time.sleep(2)
    return "done"
