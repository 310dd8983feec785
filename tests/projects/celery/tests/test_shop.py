from shop import add


def test_sum():
    assert add(40, 2) == 42
