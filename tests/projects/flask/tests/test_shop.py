from shop import create_app


def test_report():
    assert create_app().test_client().get("/report").text == "done"
