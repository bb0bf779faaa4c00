"""Define the pages that staff write: help, delivery, returns, contact, terms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from shop.pages.markdown import render_markdown


def languages() -> list[tuple[str, Any]]:
    """Return the shop's languages; a function, so that a new language needs no migration."""
    return list(settings.LANGUAGES)


class PageQuerySet(models.QuerySet["Page"]):
    def published(self) -> PageQuerySet:
        """Return the pages that shoppers see."""
        return self.filter(published=True)

    def with_slug(self, slug: str) -> Page | None:
        """Return the page with the slug, in the language chosen by ``in_language``, or None."""
        return in_language(self.filter(slug=slug)).get(slug)


class Page(models.Model):
    """Represents a page in one language. Shoppers see it once it is published."""

    slug = models.SlugField(
        _("slug"),
        max_length=60,
        help_text=_("The last part of its address, the same in every language, such as “returns”."),
    )
    language = models.CharField(_("language"), max_length=10, choices=languages)
    title = models.CharField(_("title"), max_length=120)
    text = models.TextField(
        _("text"),
        help_text=_("In Markdown: ## Heading, **bold**, - list, [link](/pages/returns/)."),
    )
    published = models.BooleanField(
        _("published"), default=False, help_text=_("Only staff can see a draft.")
    )
    position = models.PositiveSmallIntegerField(
        _("position"), default=0, help_text=_("The order of the links in the footer.")
    )
    updated = models.DateTimeField(_("updated"), auto_now=True)

    objects = PageQuerySet.as_manager()

    class Meta:
        verbose_name = _("page")
        verbose_name_plural = _("pages")
        ordering = ("position", "pk")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["slug", "language"], name="page_once_a_language")
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("pages:page", args=[self.slug])

    @property
    def html(self) -> SafeString:
        """Return the text as HTML, with allowed tags only."""
        return render_markdown(self.text)


def in_language(pages: Iterable[Page]) -> dict[str, Page]:
    """Return one page for each slug: in the visitor's language, else the shop's, else any."""
    preferred = [get_language(), settings.LANGUAGE_CODE]

    def rank(page: Page) -> int:
        return preferred.index(page.language) if page.language in preferred else len(preferred)

    chosen: dict[str, Page] = {}
    for page in pages:
        if page.slug not in chosen or rank(page) < rank(chosen[page.slug]):
            chosen[page.slug] = page
    return chosen
