"""Renders the exports of the demo to `docs/images`, for people to look at: `make pictures`.

Needs a running demo (`make run`, or its address in KUCUN), LibreOffice and poppler:
`apt-get install libreoffice-calc poppler-utils fonts-noto-cjk`.
"""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import httpx2
from PIL import Image, ImageChops

FOLDER = Path(__file__).parents[1] / "docs" / "images"
TODAY = datetime.now(UTC).date()
PERIOD = {"since": str(TODAY - timedelta(days=29)), "until": str(TODAY + timedelta(days=1))}
REPORTS: dict[str, dict[str, Any]] = {
    "sales": {"report": "SALES", "groupBy": "PRODUCT", **PERIOD},
    "losses": {"report": "LOSSES", "groupBy": "REASON", **PERIOD},
    "levels": {"report": "LEVELS"},
    "movements": {"report": "MOVEMENTS", **PERIOD},
    "expiry": {"report": "EXPIRY", "withinDays": 60},
    "stock-value": {"report": "STOCK_VALUE", "groupBy": "CATEGORY"},
    "turnover": {"report": "TURNOVER", "groupBy": "CATEGORY", **PERIOD},
    "slow-movers": {"report": "SLOW_MOVERS"},
    "reorder-plan": {"report": "REORDER_PLAN"},
    "stocktakes": {"report": "STOCKTAKES", "groupBy": "STOCKTAKE", **PERIOD},
    "overview": {"report": "OVERVIEW"},
    "channels": {"report": "CHANNELS", "groupBy": "CHANNEL", **PERIOD},
    "suppliers": {"report": "SUPPLIERS", **PERIOD, "until": str(TODAY + timedelta(days=30))},
}
SIGN_IN = 'mutation { signIn(input: {login: "owner", password: "kucun-demo"}) '
SIGN_IN += "{ ... on SignedIn { accessToken } } }"
FIELDS = "id state url failureText"
REQUEST = f"""mutation($input: RequestExportInput!) {{ requestExport(input: $input) {{
  ... on Export {{ {FIELDS} }} ... on Problem {{ message }} }} }}"""
READ = f"query($id: UUID!) {{ export(id: $id) {{ {FIELDS} }} }}"
DPI, COLOURS, MARGIN = "80", 32, 12


def ask(client: httpx2.Client, query: str, **variables: Any) -> Any:
    answer = client.post("/graphql", json={"query": query, "variables": variables}).json()
    if "errors" in answer:
        sys.exit(str(answer["errors"]))
    return next(iter(answer["data"].values()))


def fetch(client: httpx2.Client, report: dict[str, Any]) -> bytes:
    """The file of the report."""
    export = ask(client, REQUEST, input={"key": str(uuid4()), **report})
    while export["state"] in ("QUEUED", "RUNNING"):
        time.sleep(0.2)
        export = ask(client, READ, id=export["id"])
    if export["state"] != "READY":
        sys.exit(export["failureText"])
    return client.get(export["url"]).content


def pages(folder: Path, name: str) -> list[Image.Image]:
    """The printed pages of a workbook, without their empty ends."""
    home = f"-env:UserInstallation=file://{folder}/home"
    convert = ("soffice", home, "--headless", "--convert-to", "pdf", "--outdir", str(folder))
    subprocess.run([*convert, str(folder / f"{name}.xlsx")], check=True, capture_output=True)
    target = str(folder / name)
    subprocess.run(["pdftoppm", "-r", DPI, "-png", f"{target}.pdf", target], check=True)
    return [trimmed(Image.open(path)) for path in sorted(folder.glob(f"{name}-*.png"))]


def trimmed(page: Image.Image) -> Image.Image:
    """The page down to its last line above the page number."""
    page = page.convert("RGB").crop((0, 0, page.width, page.height - page.height // 11))
    box = ImageChops.difference(page, Image.new("RGB", page.size, "white")).getbbox()
    return page.crop((0, 0, page.width, min(page.height, (box[3] if box else 0) + MARGIN)))


def joined(images: list[Image.Image]) -> Image.Image:
    """The images one below the other, on grey."""
    size = max(each.width for each in images), sum(each.height + MARGIN for each in images)
    whole, top = Image.new("RGB", size, "silver"), 0
    for each in images:
        whole.paste(each, (0, top))
        top += each.height + MARGIN
    return whole


def main() -> None:
    """Render the first page of the data and the summary of each report."""
    address = os.environ.get("KUCUN", "http://127.0.0.1:8000")
    with httpx2.Client(base_url=address, timeout=60) as client, TemporaryDirectory() as name:
        folder = Path(name)
        token = ask(client, SIGN_IN)["accessToken"]
        client.headers["authorization"] = f"Bearer {token}"
        for report, request in REPORTS.items():
            (folder / f"{report}.xlsx").write_bytes(fetch(client, request))
            data, *_, summary = pages(folder, report)
            picture = joined([data, summary]).quantize(COLOURS)
            picture.save(FOLDER / f"export-{report}.png", optimize=True)
            print(FOLDER / f"export-{report}.png")


if __name__ == "__main__":
    main()
