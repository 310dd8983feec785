import pytest

from hello.main import app


def test_index_names_the_step():
    assert app.test_client().get("/").json["step"] == "extra-2-caching"


@pytest.mark.parametrize("seconds", ["", "abc", "-1", "nan", "1000"])
def test_slow_refuses_what_it_cannot_wait_for(seconds):
    assert app.test_client().get("/slow", query_string={"seconds": seconds}).status_code == 400
