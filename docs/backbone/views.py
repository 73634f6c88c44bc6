"""Views: what the teachers and the student look at. A view is a function of the image's index and the round alone.

Two thirds are crops of photographs. In a third a figure is drawn: strokes of random curves, a letter, or a filled shape, so
that shapes without the texture of photographs are seen too. Figures are made here; no data set has a part in them."""

import string

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch.nn import functional as F

SIDE = 64
GRID = 8
FIGURES = 1 / 3


def view(images, index, round_):
    """Pixels (64, 64, 3) uint8 and the figure's coverage (64, 64) uint8, all 0 without a figure."""
    random = np.random.default_rng([7, round_, index])
    pixels = crop(images[index], random)
    if random.random() >= FIGURES:
        return pixels, np.zeros((SIDE, SIDE), np.uint8)
    mask = figure(random)
    other = crop(images[random.integers(len(images))], random)
    return blend(pixels, other, mask, random), mask


def crop(pixels, random):
    area = random.uniform(0.35, 1) * SIDE * SIDE
    ratio = np.exp(random.uniform(-0.25, 0.25))
    width, height = min(SIDE, np.sqrt(area * ratio)), min(SIDE, np.sqrt(area / ratio))
    left, top = random.uniform(0, SIDE - width), random.uniform(0, SIDE - height)
    image = Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BICUBIC, (left, top, left + width, top + height))
    return np.asarray(image)


def figure(random):
    """A figure in the middle, drawn at four times the size, turned and scaled."""
    big = 4 * SIDE
    image = Image.new("L", (big, big))
    draw = ImageDraw.Draw(image)
    kind = random.integers(4)
    if kind < 2:
        pen = int(random.integers(12, 34))
        for _ in range(random.integers(1, 4)):
            stroke(draw, random.uniform(0.15, 0.85, (4, 2)) * big, pen)
    elif kind == 2:
        letter = string.ascii_letters[random.integers(len(string.ascii_letters))]
        font = ImageFont.load_default(int(random.integers(150, 260)))
        draw.text((big / 2, big / 2), letter, 255, font, anchor="mm", stroke_width=int(random.integers(0, 10)))
    else:
        for _ in range(random.integers(1, 4)):
            corners = random.uniform(0.15, 0.85, (2, 2)) * big
            low, high = corners.min(0), corners.max(0) + 20
            if random.random() < 0.5:
                draw.ellipse([*low, *high], 255)
            else:
                draw.polygon([tuple(point) for point in random.uniform(low, high, (5, 2))], 255)
    turned = image.rotate(random.uniform(-25, 25), Image.Resampling.BILINEAR)
    return np.asarray(turned.resize((SIDE, SIDE), Image.Resampling.BOX))


def stroke(draw, points, pen):
    """A cubic Bézier curve with round ends."""
    for time in np.linspace(0, 1, 40):
        weights = [(1 - time) ** 3, 3 * time * (1 - time) ** 2, 3 * time ** 2 * (1 - time), time ** 3]
        x, y = np.dot(weights, points)
        draw.ellipse([x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2], 255)


def blend(pixels, other, mask, random):
    """The figure on the photograph: as a difference, in one colour, in another photograph's texture; or that on plain ground."""
    kind = random.integers(4)
    cover = mask[..., None] / 255.0
    if kind == 0:
        return np.abs(pixels - 255.0 * cover).astype(np.uint8)
    paint = np.broadcast_to(random.integers(0, 256, 3), pixels.shape) if kind == 1 else other
    ground = np.full_like(pixels, random.choice([0, 0, 255, random.integers(256)])) if kind == 3 else pixels
    return (cover * paint + (1 - cover) * ground).astype(np.uint8)


def as_batch(pixels):
    """uint8 (batch, side, side, 3) -> float (batch, 3, side, side), 0 to 1."""
    return torch.as_tensor(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float() / 255


def augmented(images, generator):
    """Other colours for the student alone, image by image: contrast, brightness, mixed channels, grey, inverted."""
    count = len(images)

    def chance(probability):
        return (torch.rand(count, 1, 1, 1, generator=generator) < probability).float()

    def uniform(low, high, *shape):
        return low + (high - low) * torch.rand(count, *shape, generator=generator)

    mix = torch.eye(3) + uniform(-0.4, 0.4, 3, 3)
    mixed = torch.einsum("bij,bjhw->bihw", mix / mix.sum(2, keepdim=True).clamp(min=0.5), images)
    is_mixed = chance(0.5)
    images = is_mixed * mixed + (1 - is_mixed) * images
    is_grey = chance(0.25)
    images = is_grey * images.mean(1, keepdim=True) + (1 - is_grey) * images
    middle = images.mean((1, 2, 3), keepdim=True)
    is_changed = chance(0.7)
    changed = (images - middle) * uniform(0.5, 1.5, 1, 1, 1) + middle + uniform(-0.2, 0.2, 1, 1, 1)
    images = (is_changed * changed + (1 - is_changed) * images).clamp(0, 1)
    is_inverted = chance(0.2)
    return is_inverted * (1 - images) + (1 - is_inverted) * images


def luminance(images):
    """Grey means of a grid of 8 x 8, each image's standardised: (batch, 64)."""
    grey = F.adaptive_avg_pool2d(images.mean(1, keepdim=True), GRID).flatten(1)
    return (grey - grey.mean(1, keepdim=True)) / (grey.std(1, keepdim=True) + 0.02)
