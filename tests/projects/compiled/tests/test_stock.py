from stock import app


def test_index():
    assert app.test_client().get("/").text.startswith("c, libpq ")
