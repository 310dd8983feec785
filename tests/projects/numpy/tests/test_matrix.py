from matrix import app


def test_index():
    assert app.test_client().get("/").text == "determinant 8"
