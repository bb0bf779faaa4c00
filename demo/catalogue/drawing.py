"""Draw one product as SVG: a sharp layer of shapes, and a soft layer of light.

The sharp layer holds flat colours, patterns and seams on a transparent background. The soft layer
is grey: values above 128 brighten the sharp layer, lower ones darken it. It is rendered and blurred
at a third of the size, which is cheap, then enlarged and blended with the sharp layer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from demo.catalogue.palette import ink, thread
from demo.catalogue.paths import HEIGHT, WIDTH, Box, Point, box_of, lens
from demo.catalogue.patterns import Cloth, marks

# Pictures are not larger, because rasterising takes most of the time: 960 x 1280 pixels took twice
# as long.
PIXELS = (720, 960)
SOFT_PIXELS = (240, 320)

_SOFT_DEFS = (
    '<linearGradient id="volume"><stop offset="0" stop-color="#fff" stop-opacity=".02"/>'
    '<stop offset=".22" stop-color="#fff" stop-opacity=".2"/>'
    '<stop offset=".5" stop-color="#fff" stop-opacity=".04"/>'
    '<stop offset=".75" stop-color="#000" stop-opacity=".1"/>'
    '<stop offset="1" stop-color="#000" stop-opacity=".26"/></linearGradient>'
    '<linearGradient id="fall" x2="0" y2="1"><stop offset="0" stop-color="#fff" '
    'stop-opacity=".08"/><stop offset=".5" stop-color="#000" stop-opacity="0"/>'
    '<stop offset="1" stop-color="#000" stop-opacity=".16"/></linearGradient>'
)


@dataclass
class Sheet:
    """Collects the two layers of a picture that is 960 units wide and 1280 high."""

    texture: str = "weave"
    flat: list[str] = field(default_factory=list)
    soft: list[str] = field(default_factory=list)
    defs: list[str] = field(default_factory=list)

    def panel(self, path: str, cloth: Cloth, angle: float = 0, volume: float = 1) -> None:
        """Draw a piece of cloth: colour, pattern turned by `angle` degrees, outline and volume."""
        self.flat.append(f'<path d="{path}" fill="{cloth.base}"/>')
        if cloth.pattern != "solid":
            self.flat.append(self._printed(path, cloth, angle))
        self.seam(path, cloth, width=2.6, opacity=0.6)
        self.shade(path, volume)

    def _printed(self, path: str, cloth: Cloth, angle: float) -> str:
        box = box_of(path)
        x, y = box.centre
        drawn = marks(cloth, box.turned() if angle else box)
        turned = f'<g transform="rotate({angle:g} {x:.1f} {y:.1f})">{drawn}</g>'
        return f'<g clip-path="url(#{self.clip(path)})">{turned}</g>'

    def clip(self, path: str) -> str:
        """Define a clip path with this outline and return its id."""
        self.defs.append(f'<clipPath id="c{len(self.defs)}"><path d="{path}"/></clipPath>')
        return f"c{len(self.defs) - 1}"

    def shade(self, path: str, volume: float = 1) -> None:
        """Shade a piece to look round: bright at the upper left, dark at the right and the edge."""
        clip = self.clip(path)
        self.soft.append(
            f'<path d="{path}" fill="#808080"/>'
            f'<path d="{path}" fill="url(#volume)" opacity="{volume:g}"/>'
            f'<path d="{path}" fill="url(#fall)" opacity="{volume:g}"/>'
            f'<g clip-path="url(#{clip})"><path d="{path}" fill="none" stroke="#000" '
            f'stroke-opacity="{0.3 * volume:g}" stroke-width="26" {self._blur(path, 11)}/></g>'
        )

    def _blur(self, path: str, spread: float) -> str:
        # The filter has its own region, because blurring the whole sheet is slow. Callers pass a
        # `spread` above 8, because resvg is slow with less.
        box, margin = box_of(path), spread * 3 + 14
        self.defs.append(
            f'<filter id="b{len(self.defs)}" filterUnits="userSpaceOnUse" '
            f'x="{box.left - margin:.0f}" y="{box.top - margin:.0f}" '
            f'width="{box.right - box.left + 2 * margin:.0f}" '
            f'height="{box.bottom - box.top + 2 * margin:.0f}" '
            f'color-interpolation-filters="sRGB"><feGaussianBlur stdDeviation="{spread:g}"/></filter>'
        )
        return f'filter="url(#b{len(self.defs) - 1})"'

    def shape(self, path: str, fill: str, opacity: float = 1, line: str = "none") -> None:
        """Draw a flat shape without shading, such as a button, a buckle, a sole or a glint."""
        stroke = f' stroke="{line}" stroke-width="2"' if line != "none" else ""
        self.flat.append(f'<path d="{path}" fill="{fill}" fill-opacity="{opacity:g}"{stroke}/>')

    def line(
        self, path: str, colour: str, width: float, opacity: float = 1, dash: str = ""
    ) -> None:
        """Draw a stroke with round ends; `dash` is its `stroke-dasharray` in SVG."""
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self.flat.append(
            f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}" '
            f'stroke-opacity="{opacity:g}" stroke-linecap="round" stroke-linejoin="round"{dashes}/>'
        )

    def seam(self, path: str, cloth: Cloth, width: float = 2.4, opacity: float = 0.7) -> None:
        """Draw a faint line where two pieces meet."""
        self.line(path, ink(cloth.base), width, opacity)

    def stitch(self, path: str, cloth: Cloth, colour: str = "") -> None:
        """Draw a dashed line of thread."""
        self.line(path, colour or thread(cloth.base), 2.2, 0.75, "8 5")

    def fold(
        self, start: Point, end: Point, bend: float = 0, width: float = 14, depth: float = 0.3
    ) -> None:
        """Draw a crease: a dark sliver with a bright ridge at its upper left."""
        lit = (start[0] - width, start[1] - width * 0.4), (end[0] - width, end[1] - width * 0.4)
        blur = self._blur(lens(start, end, bend, width * 2), 8.2)
        self.soft.append(
            f'<path d="{lens(*lit, bend, width)}" fill="#fff" fill-opacity="{depth * 0.75:g}" '
            f'{blur}/><path d="{lens(start, end, bend, width)}" fill="#000" '
            f'fill-opacity="{depth:g}" {blur}/>'
        )

    def folds(self, *creases: tuple[Point, Point, float], width: float = 14) -> None:
        """Draw several creases `(start, end, bend)` of the same width."""
        for start, end, bend in creases:
            self.fold(start, end, bend, width)

    def glow(
        self, path: str, colour: str = "#000", opacity: float = 0.3, far: bool = False
    ) -> None:
        """Draw a blurred patch of light (`#fff`) or shade (`#000`)."""
        blur = self._blur(path, 30 if far else 11)
        self.soft.append(f'<path d="{path}" fill="{colour}" fill-opacity="{opacity:g}" {blur}/>')

    def glow_line(self, path: str, colour: str, width: float, opacity: float) -> None:
        """Draw a blurred stroke of light or shade."""
        self.soft.append(
            f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}" '
            f'stroke-opacity="{opacity:g}" stroke-linecap="round" {self._blur(path, 8.2)}/>'
        )

    @contextmanager
    def placed(self, transform: str) -> Iterator[None]:
        """Apply the SVG transform to everything drawn in the block."""
        layers = (self.flat, self.soft)
        for layer in layers:
            layer.append(f'<g transform="{transform}">')
        yield
        for layer in layers:
            layer.append("</g>")

    @contextmanager
    def within(self, path: str) -> Iterator[None]:
        """Clip everything drawn in the block to the outline."""
        clip = self.clip(path)
        layers = (self.flat, self.soft)
        for layer in layers:
            layer.append(f'<g clip-path="url(#{clip})">')
        yield
        for layer in layers:
            layer.append("</g>")

    def sharp_svg(self, view: Box | None = None) -> str:
        """Return the SVG of the sharp layer, or of its part in `view`, at 720 x 960 pixels."""
        return _svg(PIXELS, "".join(self.defs), "".join(self.flat), view)

    def soft_svg(self, view: Box | None = None) -> str:
        """Return the SVG of the soft layer, or of its part in `view`, at 240 x 320 pixels."""
        defs = _SOFT_DEFS + "".join(self.defs)
        ground = '<rect x="-960" y="-1280" width="2880" height="3840" fill="#808080"/>'
        return _svg(SOFT_PIXELS, defs, ground + "".join(self.soft), view)


def _svg(pixels: tuple[int, int], defs: str, body: str, view: Box | None) -> str:
    width, height = pixels
    seen = view or Box(0, 0, WIDTH, HEIGHT)
    box = f"{seen.left:g} {seen.top:g} {seen.right - seen.left:g} {seen.bottom - seen.top:g}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="{box}"><defs>{defs}</defs>{body}</svg>'
    )
