from orders.main import app


def test_routes():
    assert app.url_path_for("report") == "/report"
