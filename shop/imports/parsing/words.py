"""Define words for genders, and patterns of values that spreadsheets have altered."""

from __future__ import annotations

import re

from shop.catalogue.models import Product

Gender = Product.Gender
# Staff can add words in the admin (``GenderWord``). "Kids" is missing, because it may mean boys or
# girls.
GENDER_WORDS: dict[str, str] = {
    word: gender.value
    for gender, words in {
        Gender.WOMEN: "women woman womens female ladies lady damen dame frauen frau weiblich w f",
        Gender.MEN: "men man mens male gents gentlemen herren herr männer mann männlich m",
        Gender.GIRLS: "girls girl mädchen",
        Gender.BOYS: "boys boy jungen junge jungs",
        Gender.UNISEX: "unisex",
    }.items()
    for word in words.split()
}
SCIENTIFIC = re.compile(r"[0-9]+([.,][0-9]+)?E\+?[0-9]+", re.IGNORECASE)
MONTH_NUMBERS = {
    **{"jan": 1, "feb": 2, "mar": 3, "mrz": 3, "mär": 3, "apr": 4, "may": 5, "mai": 5, "jun": 6},
    **{"jul": 7, "aug": 8, "sep": 9, "oct": 10, "okt": 10, "nov": 11, "dec": 12, "dez": 12},
}
MONTHS = "|".join(MONTH_NUMBERS)
DATE = re.compile(
    rf"[0-9]{{1,2}}[. -]+({MONTHS})[a-zä]*\.?([ -][0-9]{{2,4}})?|({MONTHS})[a-zä]*[ -][0-9]{{1,4}}"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}(T.*)?|[0-9]{1,2}[./][0-9]{1,2}[./][0-9]{4}",
    re.IGNORECASE,
)
# The zero-width joiners are not included, because some scripts need them.
INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff]")


def folded_gender(text: str) -> str:
    """Normalise a word for a gender for comparison: "Women's" becomes "womens"."""
    return re.sub(r"['’`.]", "", text).casefold().strip()
