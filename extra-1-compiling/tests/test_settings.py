import pytest
from config import settings
from django.core.exceptions import ImproperlyConfigured


@pytest.fixture
def production(monkeypatch):
    monkeypatch.setattr(settings, "DEVELOPMENT", False)


def test_a_secret_comes_from_the_environment(production, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "mine")
    assert settings.secret("SECRET_KEY") == "mine"


def test_a_secret_comes_from_a_file(production, monkeypatch, tmp_path):
    (tmp_path / "key").write_text("mine\n")
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("SECRET_KEY", "not mine")
    assert settings.secret("SECRET_KEY") == "mine"


@pytest.mark.parametrize(("value", "seen"), [("", "is not set"), ("development-only", "is the development default")])
def test_production_refuses_to_start_without_a_secret_of_its_own(production, monkeypatch, value, seen):
    monkeypatch.setenv("SECRET_KEY", value)
    with pytest.raises(ImproperlyConfigured, match=seen):
        settings.secret("SECRET_KEY")


def test_development_needs_no_secret(monkeypatch):
    monkeypatch.setattr(settings, "DEVELOPMENT", True)
    monkeypatch.delenv("SECRET_KEY", raising=False)
    assert settings.secret("SECRET_KEY") == "development-only"
