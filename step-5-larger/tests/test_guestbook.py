import pytest
from django.test import Client
from guestbook.models import Entry

pytestmark = pytest.mark.django_db

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_a_signed_entry_is_on_the_page(client):
    answer = client.post("/sign", {"name": "Ada", "text": "Hello"}, headers=BROWSER, follow=True)
    assert answer.redirect_chain == [("/", 302)]
    assert "Hello" in answer.text
    assert "Ada" in answer.text


def test_what_people_write_is_text_not_html(client):
    Entry.objects.create(name="<b>Eve</b>", text="<script>alert(1)</script>")
    page = client.get("/", headers=BROWSER).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<b>" not in page


def test_newest_first(client):
    for text in ("first", "second"):
        Entry.objects.create(name="Ada", text=text)
    assert [entry["text"] for entry in client.get("/").json()["entries"]] == ["second", "first"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Ada", ""),
        ("Ada", " \n "),
        ("", "Hello"),
        ("Ada", "x" * 501),
        ("Ada", "x" * 10_000),
        ("x" * 51, "Hello"),
        ("Ada", "\0"),
    ],
)
def test_what_is_too_short_too_long_or_not_text_is_refused(client, name, text):
    assert client.post("/sign", {"name": name, "text": text}).status_code == 400
    assert not Entry.objects.exists()


def test_a_line_end_counts_once_as_in_the_browser(client):
    assert client.post("/sign", {"name": "Ada", "text": "x\r\n" * 249 + "xx"}).status_code == 302
    assert len(Entry.objects.get().text) == 500


def test_a_form_of_another_site_is_refused():
    client = Client(enforce_csrf_checks=True)
    assert client.post("/sign", {"name": "Ada", "text": "Hello"}).status_code == 403
    assert not Entry.objects.exists()


@pytest.mark.parametrize(("method", "path"), [("get", "/sign"), ("post", "/"), ("delete", "/"), ("post", "/health")])
def test_wrong_methods_are_refused(client, method, path):
    assert getattr(client, method)(path).status_code == 405


def test_curl_gets_json_and_browsers_the_page(client):
    assert client.get("/", headers={"accept": "*/*"}).json()["step"]
    assert client.get("/", headers=BROWSER).headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("path", ["/health", "/ready", "/version"])
def test_machines_get_json(client, path):
    assert client.get(path).json()


@pytest.mark.parametrize("seconds", ["", "abc", "-1", "nan", "1000"])
def test_slow_refuses_what_it_cannot_wait_for(client, seconds):
    assert client.get("/slow", {"seconds": seconds}).status_code == 400
