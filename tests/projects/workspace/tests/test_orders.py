from orders.main import app
from prices.catalogue import total


def test_routes():
    assert app.url_path_for("report") == "/report"


def test_total():
    assert total(apples=2) == "€3.00"
