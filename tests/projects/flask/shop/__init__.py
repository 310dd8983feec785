import sqlite3
import time
from pathlib import Path

from flask import Flask, render_template


def create_app():
    app = Flask(__name__)
    # As Flask's tutorial has it: the database is beside the code.
    Path(app.instance_path).mkdir(exist_ok=True)
    database = Path(app.instance_path, "shop.sqlite")

    @app.get("/")
    def index():
        with sqlite3.connect(database) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS visits (time TEXT DEFAULT CURRENT_TIMESTAMP)")
            connection.execute("INSERT INTO visits DEFAULT VALUES")
            (visits,) = connection.execute("SELECT count(*) FROM visits").fetchone()
        return render_template("index.html", visits=visits)

    @app.get("/report")
    def report():
        time.sleep(2)
        return "done"

    return app
