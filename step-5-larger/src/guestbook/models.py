from django.db import models


class Entry(models.Model):
    """What one person wrote."""

    name = models.CharField(max_length=50)
    text = models.CharField(max_length=500)
    signed_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]  # newest first

    def __str__(self) -> str:
        return f"{self.name}, {self.signed_at:%Y-%m-%d %H:%M}"
