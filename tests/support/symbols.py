"""Reads a printed symbol as a scanner does: the SVG is drawn, and the picture is read."""

import re

import zxingcpp

SIZE = re.compile(r'<svg width="(\d+)" height="(\d+)"')
BAR = re.compile(r"M(\d+) (\d+)h(\d+)v(\d+)h-\d+Z")
SCALE, MARGIN = 4, 10


def scanned(svg: str) -> list[tuple[str, str]]:
    """What a scanner sends: (symbology identifier, text without the signs for people)."""
    width, height = (int(side) + 2 * MARGIN for side in SIZE.findall(svg)[0])
    drawn = bytearray(b"\xff") * (width * height * SCALE * SCALE)
    for bar in BAR.findall(svg):
        x, y, w, h = map(int, bar)
        for row in range((y + MARGIN) * SCALE, (y + h + MARGIN) * SCALE):
            start = row * width * SCALE + (x + MARGIN) * SCALE
            drawn[start : start + w * SCALE] = bytes(w * SCALE)
    picture = memoryview(drawn).cast("B", (height * SCALE, width * SCALE))
    barcodes = zxingcpp.read_barcodes(picture, text_mode=zxingcpp.TextMode.Plain)
    return [(each.symbology_identifier, each.text) for each in barcodes]
