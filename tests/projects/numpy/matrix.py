import time

import numpy
from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return f"determinant {numpy.linalg.det(numpy.eye(3) * 2):.0f}"


@app.get("/report")
def report():
    time.sleep(2)
    return "done"
