"""Make the fonts that ship in kdsl/fonts: one face each, cut down to the characters kdsl draws.

Sources (Debian packages fonts-noto-cjk and fonts-wqy-microhei):

- Noto Sans CJK SC Regular, SIL Open Font License 1.1 -> kdsl-sans.otf, renamed 'kdsl Sans';
- WenQuanYi Micro Hei, Apache-2.0 (dual-licensed, used here under Apache-2.0) -> kdsl-hei.ttf, renamed 'kdsl Hei'.

Run: python scripts/subset_font.py --noto NotoSansCJK-Regular.ttc --wqy wqy-microhei.ttc --out kdsl/fonts
Needs fontTools (it comes with matplotlib). The result depends on the sources alone.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.ttLib.ttCollection import TTCollection

SYMBOLS = "¥￥€£$→←↑↓↗⇅☞✓✔✕✗×÷±★☆●○■□▲△▼▽◆◇▶◀►◄①②③④⑤⑥⑦⑧⑨⑩·•…—–「」『』《》〈〉【】℃°㎡©®™√∞≈≤≥♡♥☎✉⊕⊙〇▪▎︿﹀"


def gb2312_characters() -> set[int]:
    """Code points of GB2312: symbols, full-width forms and both levels of hanzi (6,763)."""
    points: set[int] = set()
    for high in range(0xA1, 0xF8):
        for low in range(0xA1, 0xFF):
            try:
                points.add(ord(bytes((high, low)).decode("gb2312")))
            except UnicodeDecodeError:
                continue
    return points


def wanted() -> set[int]:
    """Code points to keep: GB2312 without its Greek, Cyrillic and box drawing, ASCII, Latin-1, symbols."""
    kana_and_foreign = set(range(0x0370, 0x0500)) | set(range(0x2500, 0x2580)) | set(range(0x3040, 0x3130))
    points = (gb2312_characters() - kana_and_foreign) | {ord(char) for char in SYMBOLS}
    return points | set(range(0x20, 0x7F)) | set(range(0xA0, 0x100)) | set(range(0xFF01, 0xFF5F))


def find_face(collection: Path, family: str) -> TTFont:
    """The face of a .ttc whose family name is `family`.

    Raises:
        SystemExit: there is none; the message lists the families found.
    """
    faces = TTCollection(str(collection)).fonts
    for face in faces:
        if face["name"].getDebugName(1) == family:
            return face
    found = ", ".join(str(face["name"].getDebugName(1)) for face in faces)
    raise SystemExit(f"{collection} has no face '{family}'; it has: {found}")


def cut(face: TTFont, family: str, licence: str, target: Path) -> int:
    """Subset `face`, rename it to `family` and write it; returns the file's size in bytes."""
    options = Options()
    options.hinting = False
    options.layout_features = []
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.notdef_outline = True
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "BASE", "vhea", "vmtx", "VORG", "DSIG", "gasp"]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=sorted(wanted()))
    subsetter.subset(face)
    postscript = family.replace(" ", "") + "-Regular"
    texts = {1: family, 2: "Regular", 3: f"{family} Regular", 4: family, 6: postscript, 13: licence}
    for record in list(face["name"].names):
        if record.langID != 0x409 and record.platformID == 3:
            face["name"].names.remove(record)
    for name_id, text in texts.items():
        face["name"].setName(text, name_id, 3, 1, 0x409)
    if "CFF " in face:
        top = face["CFF "].cff
        top.fontNames = [postscript]
        top[postscript].rawDict["FullName"] = family
        top[postscript].rawDict["FamilyName"] = family
    face["head"].modified = face["head"].created
    face.recalcTimestamp = False
    face.save(str(target))
    return target.stat().st_size


def main() -> None:
    """Write both fonts and print their sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--noto", type=Path, required=True, help="NotoSansCJK-Regular.ttc")
    parser.add_argument("--wqy", type=Path, required=True, help="wqy-microhei.ttc")
    parser.add_argument("--out", type=Path, default=Path("kdsl/fonts"), help="folder for the fonts")
    arguments = parser.parse_args()
    jobs = (
        (arguments.noto, "Noto Sans CJK SC", "kdsl Sans", "SIL Open Font License 1.1", "kdsl-sans.otf"),
        (arguments.wqy, "WenQuanYi Micro Hei", "kdsl Hei", "Apache License 2.0", "kdsl-hei.ttf"),
    )
    for source, face, family, licence, name in jobs:
        size = cut(find_face(source, face), family, licence, arguments.out / name)
        print(f"{arguments.out / name}: {size:,} bytes")


if __name__ == "__main__":
    main()
