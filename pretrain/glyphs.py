"""Clean printed digits rendered from Debian font packages, sized and centred like MNIST.

The only change to a glyph is a shift by at most one pixel: no rotation, shear, blur or change of stroke thickness.

Fonts are split, not glyphs: no font contributes to both training and validation, and fonts whose file names begin with
the same five letters (the styles of a family) stay in one part.
"""

import hashlib
import subprocess
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

SEED = 20260102
PACKAGES = ("fonts-aenigma", "fonts-rufscript", "fonts-bwht", "fonts-dejavu-core")
SIDE = 28
BOX = 20
FONT_SIZE = 72
CANVAS = 192
# Share of font families used for validation only.
VALIDATION_SHARE = 0.12
# A font is taken for one of pictures when fewer than this many of its ten glyphs, stretched to a square and blurred,
# look most like the mean glyph of their digit, among the mean glyphs of all digits.
MIN_RECOGNISABLE = 3


def font_files():
    """Font files of the packages, without every tenth file of fonts-aenigma, which stays unseen for later use."""
    chosen = []
    for package in PACKAGES:
        listing = subprocess.run(["dpkg", "-L", package], check=True, capture_output=True, text=True).stdout
        paths = (Path(line) for line in listing.splitlines())
        files = sorted((p for p in paths if p.suffix.lower() in (".ttf", ".otf")), key=lambda p: p.name)
        if package == "fonts-aenigma":
            files = [file for position, file in enumerate(files, 1) if position % 10]
        chosen += files
    return chosen


def draw_digits(path):
    """Large grey images of the ten digits, or None when the font does not have ten different ones."""
    try:
        font = ImageFont.truetype(str(path), FONT_SIZE)
        images = []
        for digit in "0123456789":
            image = Image.new("L", (CANVAS, CANVAS))
            ImageDraw.Draw(image).text((CANVAS // 2, CANVAS // 2), digit, 255, font=font, anchor="mm")
            box = image.getbbox()
            if box is None or max(box[2] - box[0], box[3] - box[1]) < 12:
                return None
            images.append(recentred(image.crop(box)))
    except OSError:
        return None
    return images if len({image.tobytes() for image in images}) == 10 else None


def recentred(glyph):
    """Put a cropped glyph into the middle of a square canvas, at a height or width of 96."""
    factor = 96 / max(glyph.size)
    glyph = glyph.resize([max(1, round(side * factor)) for side in glyph.size], Image.LANCZOS)
    canvas = Image.new("L", (CANVAS, CANVAS))
    canvas.paste(glyph, ((CANVAS - glyph.width) // 2, (CANVAS - glyph.height) // 2))
    return canvas


def as_mnist(image, shift=(0, 0)):
    """Scale the ink into a box keeping its proportions, and centre it by its centre of mass in 28x28."""
    ink = image.point(lambda value: value if value >= 24 else 0).getbbox()
    if ink is None:
        return np.zeros((SIDE, SIDE), np.uint8)
    glyph = image.crop(ink)
    factor = BOX / max(glyph.size)
    glyph = glyph.resize([max(1, round(side * factor)) for side in glyph.size], Image.LANCZOS)
    canvas = Image.new("L", (2 * SIDE, 2 * SIDE))
    canvas.paste(glyph, ((canvas.width - glyph.width) // 2, (canvas.height - glyph.height) // 2))
    mass = np.asarray(canvas, np.float64)
    total = mass.sum()
    rows, columns = np.mgrid[:canvas.height, :canvas.width]
    top = round((mass * rows).sum() / total - (SIDE - 1) / 2) - shift[0]
    left = round((mass * columns).sum() / total - (SIDE - 1) / 2) - shift[1]
    return np.asarray(canvas.crop((left, top, left + SIDE, top + SIDE)))


def is_validation(path):
    family = path.stem.lower()[:5]
    value = hashlib.sha256(f"{SEED}:{family}".encode()).digest()
    return int.from_bytes(value[:4], "big") < VALIDATION_SHARE * 2**32


def plain_set(path):
    """The glyphs [10, 28, 28] of a font and the same stretched and blurred [10, 16, 16], or None."""
    images = draw_digits(path)
    if images is None:
        return None
    squares = [image.crop(image.getbbox()).resize((16, 16), Image.BOX) for image in images]
    blurred = [np.asarray(square.filter(ImageFilter.GaussianBlur(1.5))) for square in squares]
    return np.stack([as_mnist(image) for image in images]), np.stack(blurred)


def shifted_set(task):
    """`count` copies of a font's ten glyphs, each glyph shifted by -1, 0 or 1 pixel along each axis."""
    path, count = task
    images = draw_digits(path)
    seed = hashlib.sha256(f"{SEED}:{path.name}".encode()).digest()
    rng = np.random.default_rng(list(seed))
    return np.stack([[as_mnist(image, rng.integers(-1, 2, 2).tolist()) for image in images] for _ in range(count)])


def recognisable(squares):
    """How many of each font's ten glyphs [n, 10, 16, 16] correlate best with the mean glyph of their own digit."""
    flat = squares.reshape(len(squares), 10, -1).astype(np.float64)
    means = flat.mean(0)

    def normalised(rows):
        rows = rows - rows.mean(-1, keepdims=True)
        return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9)

    likeness = normalised(flat) @ normalised(means).T
    return (likeness.argmax(-1) == np.arange(10)).sum(-1)


def build(copies):
    """Render every kept glyph plain and as `copies` shifted ones; return arrays and a summary of the fonts."""
    files = font_files()
    with Pool(2) as pool:
        plain = pool.map(plain_set, files, chunksize=4)
        drawable = [(file, *glyphs) for file, glyphs in zip(files, plain) if glyphs is not None]
        scores = recognisable(np.stack([squares for _, _, squares in drawable]))
        kept = [entry for entry, score in zip(drawable, scores) if score >= MIN_RECOGNISABLE]
        parts = {
            "train": [entry for entry in kept if not is_validation(entry[0])],
            "validation": [entry for entry in kept if is_validation(entry[0])],
        }
        arrays = {}
        for part, entries in parts.items():
            shifted = pool.map(shifted_set, [(file, copies) for file, _, _ in entries], chunksize=4)
            arrays[f"{part}_plain"] = np.concatenate([glyphs for _, glyphs, _ in entries])
            arrays[f"{part}_shifted"] = np.concatenate(shifted).reshape(-1, SIDE, SIDE)
    summary = {
        "font_files": len(files),
        "without_ten_different_digits": len(files) - len(drawable),
        "taken_for_pictures": sorted(f.name for (f, _, _), score in zip(drawable, scores) if score < MIN_RECOGNISABLE),
        "train_fonts": len(parts["train"]),
        "validation_fonts": len(parts["validation"]),
        "validation_font_files": sorted(file.name for file, _, _ in parts["validation"]),
    }
    return arrays, summary


def labels_for(images):
    """Glyph arrays are always ordered digit by digit."""
    return np.tile(np.arange(10, dtype=np.int32), len(images) // 10)
