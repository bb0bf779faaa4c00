from __future__ import annotations

from typing import ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from shop.reviews.models import MAX_TEXT, Review

STARS = [
    (1, _("1 star: poor")),
    (2, _("2 stars: fair")),
    (3, _("3 stars: okay")),
    (4, _("4 stars: good")),
    (5, _("5 stars: excellent")),
]


class ReviewForm(forms.ModelForm[Review]):
    stars = forms.TypedChoiceField(
        label=_("Your rating"),
        choices=STARS,
        coerce=int,
        widget=forms.RadioSelect,
        error_messages={"required": _("Please choose from 1 to 5 stars.")},
    )
    fit = forms.ChoiceField(
        label=_("How does it fit? (optional)"),
        choices=Review.Fit.choices,
        widget=forms.RadioSelect,
        required=False,
    )
    text = forms.CharField(
        label=_("Your review (optional)"),
        max_length=MAX_TEXT,
        required=False,
        widget=forms.Textarea({"rows": 6}),
        help_text=_("What do you like about it, and what not? Please leave out personal data."),
    )

    class Meta:
        model = Review
        fields: ClassVar = ["stars", "fit", "text"]
