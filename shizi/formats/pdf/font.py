"""A font without ink: characters that are found and copied but not seen.

Its glyphs enclose no area and differ in width alone. A code stands for a character at a width, so
that a line of text is one string whose characters each lie where they were read, and ToUnicode
says what a code means, in any plane. The font file has 5 kB, 1 kB deflated, and goes into the
PDF, so nothing depends on the fonts of a system.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from shizi.terminal import printable

if TYPE_CHECKING:
    import pikepdf

EM = 1000
UNIT = 25
"""Steps of width, in thousandths of the height of a line."""

WIDEST = 160
"""Steps of the widest character, four heights of the line."""

MOST = 0xFFFF
"""Codes that a font holds, code 0 left out."""

_NAME = "Unseen"
_MAP = """/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
%s
endcmap
CMapName currentdict /CMap defineresource pop
end
end
"""


class Font:
    """A font that is made while it is used, and put into its PDF by :meth:`finish`.

    Attributes:
        ref: the object in the PDF, which is filled at the end.
    """

    def __init__(self, pdf: pikepdf.Pdf) -> None:
        import pikepdf

        self._pdf = pdf
        self.ref = pdf.make_indirect(pikepdf.Dictionary())
        self._codes: dict[tuple[str, int], int] = {}

    def __len__(self) -> int:
        """How many codes are in use."""
        return len(self._codes)

    def code(self, text: str, width: int) -> int:
        """Return the code of a character that is ``width`` steps wide, 1 to :data:`WIDEST`."""
        return self._codes.setdefault((text, width), len(self._codes) + 1)

    def finish(self) -> None:
        """Write the font into the PDF."""
        from pikepdf import Array, Dictionary, Name, Stream

        pdf = self._pdf
        widths = [width for _, width in self._codes]
        glyphs = struct.pack(f">{len(widths) + 1}H", 0, *widths)
        program = _program()
        descriptor = Dictionary(
            Type=Name.FontDescriptor,
            FontName=Name("/" + _NAME),
            Flags=4,  # symbolic: its codes are its own
            FontBBox=Array([0, -1, UNIT * WIDEST, EM]),
            ItalicAngle=0,
            Ascent=EM,
            Descent=-1,  # readers take 0 for "not known"
            CapHeight=EM,
            StemV=80,
            FontFile2=Stream(pdf, program, Length1=len(program)),
        )
        child = Dictionary(
            Type=Name.Font,
            Subtype=Name.CIDFontType2,
            BaseFont=Name("/" + _NAME),
            CIDSystemInfo=Dictionary(Registry=b"Adobe", Ordering=b"Identity", Supplement=0),
            FontDescriptor=pdf.make_indirect(descriptor),
            DW=EM,
            W=Array([1, Array([UNIT * width for width in widths])]),
            CIDToGIDMap=Stream(pdf, glyphs),
        )
        self.ref.update(
            Dictionary(
                Type=Name.Font,
                Subtype=Name.Type0,
                BaseFont=Name("/" + _NAME),
                Encoding=Name("/Identity-H"),
                DescendantFonts=Array([pdf.make_indirect(child)]),
                ToUnicode=Stream(pdf, "\n".join(self._unicode()).join(_MAP.split("%s")).encode()),
            )
        )

    def _unicode(self) -> Iterator[str]:
        rows = [f"<{code:04X}> <{_utf16(text)}>" for (text, _), code in self._codes.items()]
        for start in range(0, len(rows), 100):  # the most that a block may hold
            part = rows[start : start + 100]
            yield "\n".join([f"{len(part)} beginbfchar", *part, "endbfchar"])


def _utf16(text: str) -> str:
    return printable(text).encode("utf-16-be").hex().upper()


@cache
def _program() -> bytes:
    """Return a TrueType file, glyph k being k steps wide.

    Its fields are in the order of the OpenType specification; what no glyph needs is 0.
    """
    count, widest = WIDEST + 1, UNIT * WIDEST
    head = (0x10000, 0x10000, 0, 0x5F0F3CF5, 0xB, EM, 0, 0, 0, 0, widest, EM, 0, 8, 2, 0, 0)
    hhea = (0x10000, EM, -1, 0, widest, 0, 0, widest, 1, *[0] * 7, count)
    maxp = (0x10000, count, 2, 1, 0, 0, 1, *[0] * 8)
    glyphs = [b"", *(_glyph(UNIT * k) for k in range(1, count))]
    places = [sum(map(len, glyphs[:k])) // 2 for k in range(count + 1)]
    tables = {
        b"glyf": b"".join(glyphs),
        b"head": struct.pack(">IIIIHHqqhhhhHHhhh", *head),
        b"hhea": struct.pack(">IhhhHhhhhhhhhhhhH", *hhea),
        b"hmtx": b"".join(struct.pack(">Hh", UNIT * k, 0) for k in range(count)),
        b"loca": struct.pack(f">{len(places)}H", *places),
        b"maxp": struct.pack(">IH13H", *maxp),
    }
    power = 4  # the largest power of 2 that is not above the number of tables
    ranges = 16 * power, power.bit_length() - 1, 16 * (len(tables) - power)
    directory = struct.pack(">IHHHH", 0x10000, len(tables), *ranges)
    place = len(directory) + 16 * len(tables)
    body = b""
    for tag, data in tables.items():
        padded = data + bytes(-len(data) % 4)
        directory += struct.pack(">4sIII", tag, _sum(padded), place + len(body), len(data))
        body += padded
    whole = bytearray(directory + body)
    # What makes the sum of the file right, in the third field of ``head``.
    at = place + len(tables[b"glyf"]) + 8
    struct.pack_into(">I", whole, at, (0xB1B0AFBA - _sum(whole)) & 0xFFFFFFFF)
    return bytes(whole)


def _glyph(width: int) -> bytes:
    """Return a stroke from corner to corner: readers take its box for that of the character."""
    outline = struct.pack(">hhhhhHHBBhhhh", 1, 0, 0, width, EM, 1, 0, 1, 1, 0, width, 0, EM)
    return outline + bytes(-len(outline) % 4)


def _sum(data: bytes | bytearray) -> int:
    words: tuple[int, ...] = struct.unpack(f">{len(data) // 4}I", data)
    return sum(words) & 0xFFFFFFFF
