"""Upload a folder of pictures as products, then search the shop by photo.

    python client.py http://127.0.0.1:8000 TOKEN apparel/topwear/shirts pictures/ photo.jpg

Needs nothing but Python. Use the token of a member of the group Catalogue
(POST /api/v1/tokens/) and a category that exists.
"""

from __future__ import annotations

import base64
import json
import sys
import uuid
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen


class Shop:
    def __init__(self, address: str, token: str) -> None:
        self.api = f"{address.rstrip('/')}/api/v1"
        self.token = token

    def post(self, path: str, data: Any, key: str = "") -> Any:
        """Send JSON; with a ``key`` the call can be repeated after a lost connection."""
        return self._send(path, json.dumps(data).encode(), "application/json", key)

    def upload(self, path: str, file: Path, key: str = "") -> Any:
        edge = uuid.uuid4().hex
        what = f'form-data; name="file"; filename="{file.name}"'
        head = f"--{edge}\r\nContent-Disposition: {what}\r\n\r\n"
        body = head.encode() + file.read_bytes() + f"\r\n--{edge}--\r\n".encode()
        return self._send(path, body, f"multipart/form-data; boundary={edge}", key)

    def get(self, url: str) -> Any:
        return self._read(Request(url, headers=self._headers()))  # noqa: S310 - the shop's own

    def _send(self, path: str, body: bytes, kind: str, key: str) -> Any:
        headers = self._headers() | {"Content-Type": kind}
        if key:
            headers["Idempotency-Key"] = key
        return self._read(Request(f"{self.api}/{path}", body, headers))  # noqa: S310

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Token {self.token}", "Accept": "application/json"}

    def _read(self, request: Request) -> Any:
        try:
            with urlopen(request, timeout=30) as answer:  # noqa: S310
                return json.load(answer)
        except HTTPError as error:
            problem = json.load(error)
            raise SystemExit(
                f"{problem['title']}: {problem['detail']} {problem.get('errors', '')}"
            ) from None


def upload_catalogue(shop: Shop, category: str, folder: Path) -> int:
    """Create a product for each picture, named after its file; a second run creates no copies."""
    pictures = sorted(path for path in folder.iterdir() if path.is_file())
    for picture in pictures:
        product = {
            "name": picture.stem.replace("-", " ").title(),
            "category": category,
            "price": "19.95",
            "sku": picture.stem,
            "initial_stock": 10,
        }
        made = shop.post("staff/products/", product, key=f"product {picture.stem}")
        shop.upload(f"staff/products/{made['id']}/images/", picture, key=f"image {picture.stem}")
    return len(pictures)


def search(shop: Shop, photo: Path) -> list[dict[str, Any]]:
    """Return the five products that look most like the photo."""
    text = base64.b64encode(photo.read_bytes()).decode()
    found = shop.post("image-searches/", {"photo": text})
    while found["state"] == "waiting":
        found = shop.get(f"{found['url']}?wait=10")
    return found["products"]


def main(address: str, token: str, category: str, folder: str, photo: str) -> None:
    shop = Shop(address, token)
    print(f"{upload_catalogue(shop, category, Path(folder))} products are in the shop.")
    for product in search(shop, Path(photo)):
        print(f"{product['price']} {product['currency']}  {product['name']}  {product['url']}")


if __name__ == "__main__":
    if len(sys.argv) != 6:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
