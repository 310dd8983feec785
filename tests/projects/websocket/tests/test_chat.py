from chat import app


def test_routes():
    assert app.url_path_for("room") == "/room"
