from django import forms

from guestbook.models import Entry


class LinesField(forms.CharField):
    """Text of several lines. Browsers count a line's end as one character and send two."""

    widget = forms.Textarea

    def to_python(self, value: str | None) -> str:
        return super().to_python(value).replace("\r\n", "\n")


class EntryForm(forms.ModelForm):
    class Meta:
        model = Entry
        fields = ["name", "text"]
        field_classes = {"text": LinesField}
        labels = {"name": "Your name", "text": "Your message"}
        widgets = {"name": forms.TextInput({"autocomplete": "name"}), "text": forms.Textarea({"rows": 5})}
