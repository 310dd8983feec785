import pytest
from fastapi.testclient import TestClient

from hello.main import app

client = TestClient(app)


def test_index_names_the_step():
    assert client.get("/").json()["step"] == "extra-7-platforms"


def test_health():
    assert client.get("/health").json() == {"status": "ok"}


def test_item():
    assert client.get("/items/42").json() == {"id": 42, "name": "Item 42"}


@pytest.mark.parametrize("item_id", ["0", "-1", "abc", "1.5"])
def test_items_are_numbered_from_1(item_id):
    answer = client.get(f"/items/{item_id}")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["path", "item_id"]


def test_openapi_describes_the_items():
    schema = client.get("/openapi.json").json()
    assert schema["paths"]["/items/{item_id}"]["get"]["parameters"][0]["schema"]["exclusiveMinimum"] == 0


@pytest.mark.parametrize("seconds", ["", "abc", "-1", "nan", "1000"])
def test_slow_refuses_what_it_cannot_wait_for(seconds):
    assert client.get("/slow", params={"seconds": seconds}).status_code == 400
