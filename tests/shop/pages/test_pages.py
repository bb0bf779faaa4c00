from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import translation

from demo.shop import PAGES, load_pages
from shop.pages.markdown import render_markdown
from shop.pages.models import Page
from tests.html import links

pytestmark = pytest.mark.django_db
GERMAN = {"headers": {"Accept-Language": "de"}}


def make_page(**values: Any) -> Page:
    given = {"slug": "returns", "language": "en", "title": "Returns", "text": "Within **14** days."}
    return Page.objects.create(**given | {"published": True} | values)


def test_a_page_shows_its_markdown_under_its_title(client: Client) -> None:
    make_page()
    content = client.get("/pages/returns/").content.decode()
    assert "<h1>Returns</h1>" in content
    assert "<p>Within <strong>14</strong> days.</p>" in content
    assert "Draft: only staff see this page." not in content


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
        ('<b onclick="x()">y</b>', '<p>&lt;b onclick="x()"&gt;y&lt;/b&gt;</p>'),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("[x](data:text/html,y)", "<p>[x](data:text/html,y)</p>"),
        ("[x](vbscript:y)", "<p>[x](vbscript:y)</p>"),
        ("![x](https://a.example/b.png)", "<p></p>"),
        ("[x](ftp://a.example/)", "<p><a>x</a></p>"),
        ("[x](mailto:a@b.example)", '<p><a href="mailto:a@b.example">x</a></p>'),
        ("[x](/pages/returns/)", '<p><a href="/pages/returns/">x</a></p>'),
        ("# One title", "One title"),
        ("## Heading", "<h2>Heading</h2>"),
    ],
)
def test_markdown_is_rendered_as_safe_html(text: str, html: str) -> None:
    assert render_markdown(text).strip() == html


def test_a_markdown_table_is_rendered() -> None:
    assert "<td>4.95 €</td>" in render_markdown("|a|b|\n|---|---|\n|Standard|4.95 €|")


def test_a_page_is_shown_in_the_language_of_the_visitor(client: Client) -> None:
    make_page()
    make_page(language="de", title="Rückgabe")
    assert client.get("/pages/returns/", **GERMAN).context["page"].title == "Rückgabe"
    assert client.get("/pages/returns/").context["page"].title == "Returns"


def test_an_untranslated_page_is_shown_in_the_shops_language(
    client: Client,
) -> None:
    make_page()
    content = client.get("/pages/returns/", **GERMAN).content.decode()
    assert '<article lang="en" class="prose">' in content


def test_a_draft_is_seen_by_staff_only(
    client: Client, admin_client: Client, django_user_model: type[User]
) -> None:
    make_page(published=False)
    customer = Client()
    customer.force_login(django_user_model.objects.create_user("c"))
    assert client.get("/pages/returns/").status_code == 404
    assert customer.get("/pages/returns/").status_code == 404
    content = admin_client.get("/pages/returns/").content.decode()
    assert "Draft: only staff see this page." in content
    assert '<meta name="robots" content="noindex">' in content


def test_an_unknown_page_is_not_found(client: Client) -> None:
    assert client.get("/pages/none/").status_code == 404


def test_the_footer_links_to_published_pages(client: Client) -> None:
    make_page(position=2)
    make_page(slug="help", title="Help", position=1)
    make_page(slug="contact", title="Contact", published=False)
    footer = client.get("/privacy/").content.decode().split("site-footer")[1]
    found = [link for link in links(footer) if link.startswith("/pages/")]
    assert found == ["/pages/help/", "/pages/returns/"]


@pytest.mark.parametrize(
    ("text", "slug"),
    [("returns", "returns"), ("Delivery", "delivery"), ("Versand", "delivery"), ("AGB", "terms")],
)
def test_a_search_for_a_page_links_to_it(client: Client, text: str, slug: str) -> None:
    make_page(slug=slug, title="The page")
    content = client.get("/search/", {"q": text}).content.decode()
    assert f'<a href="/pages/{slug}/">The page</a>' in content.split("site-footer")[0]


@pytest.mark.parametrize(
    ("text", "address"),
    [("privacy", "/privacy/"), (" Datenschutz ", "/privacy/"), ("My orders", "/account/orders/")],
)
def test_a_search_for_a_page_title_links_to_it(client: Client, text: str, address: str) -> None:
    content = client.get("/search/", {"q": text}).content.decode()
    found = content.split('class="page-found"')[1].split("</p>")[0]
    assert links(found) == [address]


@pytest.mark.parametrize("text", ["shirt", "returns", "delivery"])
def test_other_words_and_drafts_link_to_no_page(client: Client, text: str) -> None:
    make_page(published=False)
    assert "page-found" not in client.get("/search/", {"q": text}).content.decode()


def test_staff_write_a_page(client: Client, admin_client: Client) -> None:
    page = {"title": "Help", "slug": "help", "language": "en", "text": "Ask us.", "position": 0}
    admin_client.post("/admin/pages/page/add/", page | {"published": "on"})
    assert "<p>Ask us.</p>" in client.get("/pages/help/").content.decode()


def test_a_slug_is_unique_per_language(admin_client: Client) -> None:
    page = make_page()
    values = {"title": "Other", "slug": page.slug, "language": "en", "text": "x", "position": 0}
    assert admin_client.post("/admin/pages/page/add/", values).status_code == 200
    assert [str(page) for page in Page.objects.all()] == ["Returns"]


def test_the_demo_publishes_drafts_that_say_so_in_both_languages(client: Client) -> None:
    load_pages()
    assert Page.objects.published().count() == 10
    cache.clear()
    for slug in PAGES:
        assert "<strong>Draft.</strong>" in client.get(f"/pages/{slug}/").content.decode()
        german = client.get(f"/pages/{slug}/", **GERMAN).content.decode()
        assert "<strong>Entwurf.</strong>" in german


def test_the_demo_leaves_the_pages_of_a_shop_alone() -> None:
    page = make_page(title="Ours")
    load_pages()
    assert [one.title for one in Page.objects.all()] == [page.title]


def test_every_link_on_the_demos_pages_works(client: Client) -> None:
    load_pages()
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            for page in Page.objects.filter(language=language):
                inside = [link for link in links(str(page.html)) if link.startswith("/")]
                assert all(client.get(link).status_code in (200, 302) for link in inside), page


def test_the_demo_has_each_page_in_each_language() -> None:
    folder = Path(settings.BASE_DIR) / "demo" / "pages"
    files = {f"{path.parent.name}/{path.stem}" for path in folder.glob("*/*.md")}
    assert files == {f"{code}/{slug}" for code, _name in settings.LANGUAGES for slug in PAGES}
