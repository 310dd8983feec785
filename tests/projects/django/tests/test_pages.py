from pages.views import report


def test_report():
    assert report(None).content == b"done"
