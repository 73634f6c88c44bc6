#!/usr/bin/env python3
"""Writes decoding.json: small PNG and JPEG files of every kind, each with the pixels that Pillow's convert("RGB") makes of
it, [height, width, 3]. Gray of 16 bits is the exception: Pillow cuts its values off at 255 there, so that the pixels
expected are the upper 8 bits of what Pillow opens. Made with Pillow 13 and libturbojpeg 2.1 (for its arithmetic coding
and rare samplings); JPEG decoders agree within a few steps."""

import base64
import ctypes
import io
import json
import os
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image

HERE = pathlib.Path(__file__).parent
HEIGHT, WIDTH = 5, 9
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
KINDS = {0: "gray", 2: "rgb", 3: "palette", 4: "gray-alpha", 6: "rgba"}
DEPTHS = {0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16]}
PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
random = np.random.default_rng(7)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def rows(samples, depth):
    """Filtered rows, each kind of filter that needs no neighbour above in turn."""
    out = b""
    for number, row in enumerate(samples):
        values = row.reshape(-1)
        if depth < 8:
            bits = "".join(format(int(v), f"0{depth}b") for v in values)
            bits += "0" * (-len(bits) % 8)
            data = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
        else:
            data = values.astype(">u2" if depth == 16 else "u1").tobytes()
        if number % 2:
            step = max(1, row.shape[-1] * depth // 8)
            data = bytes((b - (data[i - step] if i >= step else 0)) & 255 for i, b in enumerate(data))
        out += bytes([number % 2]) + data
    return out


def png(samples, colour, depth, interlaced=False, palette=None, before=b"", after=b""):
    """`before` and `after` the palette are chunks of their own."""
    parts = [samples]
    if interlaced:
        parts = [samples[y::dy, x::dx] for x, y, dx, dy in PASSES]
    raw = b"".join(rows(part, depth) for part in parts if part.size)
    header = struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], depth, colour, 0, 0, interlaced)
    plte = b"" if palette is None else chunk(b"PLTE", palette)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + plte + after + chunk(b"IDAT", zlib.compress(raw))
        + chunk(b"IEND", b"")
    )


def png_cases():
    gamma = chunk(b"gAMA", struct.pack(">I", 100000))
    for colour, depths in DEPTHS.items():
        for depth in depths:
            samples = random.integers(0, 1 << depth, (HEIGHT, WIDTH, CHANNELS[colour]))
            palette = random.integers(0, 256, 3 << depth).astype("u1").tobytes() if colour == 3 else None
            name = f"{KINDS[colour]}-{depth}"
            yield name, png(samples, colour, depth, palette=palette)
            yield f"{name}-interlaced", png(samples, colour, depth, True, palette)
            if depth >= 8:
                yield f"{name}-gamma", png(samples, colour, depth, palette=palette, before=gamma)
            if colour == 3:
                opacity = random.integers(0, 256, 1 << depth).astype("u1").tobytes()
                yield f"{name}-transparent", png(samples, 3, depth, palette=palette, after=chunk(b"tRNS", opacity))
            elif colour in (0, 2):
                key = chunk(b"tRNS", struct.pack(f">{CHANNELS[colour]}H", *samples[0, 0]))
                yield f"{name}-transparent", png(samples, colour, depth, after=key)
    samples = random.integers(0, 256, (HEIGHT, WIDTH, 1))
    yield "palette-8-short", png(samples, 3, 8, palette=bytes(range(1, 61)))
    # The same picture in 8 and in 16 bits.
    yield "same-8", png(samples, 0, 8)
    yield "same-16", png(samples * 257, 0, 16)


def saved(image, **options):
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


def turbo(pixels, sampling, **environment):
    """By libturbojpeg 2.1, which takes some settings from the environment."""
    library = ctypes.CDLL("libturbojpeg.so.0")
    library.tjInitCompress.restype = ctypes.c_void_p
    os.environ.update(environment)
    out, size = ctypes.c_void_p(), ctypes.c_ulong()
    height, width, _ = pixels.shape
    status = library.tjCompress2(
        ctypes.c_void_p(library.tjInitCompress()), np.ascontiguousarray(pixels).ctypes.data_as(ctypes.c_void_p), width,
        0, height, 0, ctypes.byref(out), ctypes.byref(size), sampling, 92, 0)
    assert status == 0
    for name in environment:
        del os.environ[name]
    return ctypes.string_at(out, size.value)


def ycck(colour, ink):
    """Luminance and chrominance of the inks and the black ink, as the samples of a file whose Adobe mark says so."""
    luminance = np.asarray(Image.fromarray(colour).convert("YCbCr"))
    # Pillow inverts all four when it writes.
    data = bytearray(saved(Image.fromarray(255 - np.concatenate([luminance, ink], axis=2), "CMYK"), quality=95))
    mark = data.index(b"Adobe")
    data[mark + 11] = 2
    return bytes(data)


def jpeg_cases():
    row, column = np.mgrid[0:17, 0:19]
    colour = np.stack([15 * row, 14 * column, 255 - 7 * (row + column)], axis=2).astype(np.uint8)
    ink = (40 + 13 * row)[..., None].astype(np.uint8)
    image = Image.fromarray(colour)
    inks = Image.fromarray(np.concatenate([colour, ink], axis=2), "CMYK")
    exif = Image.Exif()
    exif[0x112] = 6
    yield "cmyk", saved(inks, quality=95)
    yield "cmyk-progressive", saved(inks, quality=90, progressive=True)
    yield "ycck", ycck(colour, ink)
    yield "rgb-components", saved(image, quality=95, keep_rgb=True)
    yield "gray-progressive", saved(image.convert("L"), quality=90, progressive=True)
    yield "half-half", saved(image, quality=90, subsampling="4:2:0")
    yield "turned", saved(image, quality=95, exif=exif)
    yield "restarts", saved(image, quality=90, restart_marker_blocks=2)
    yield "arithmetic", turbo(colour, 0, TJ_ARITHMETIC="1")
    yield "arithmetic-progressive", turbo(colour, 2, TJ_ARITHMETIC="1", TJ_PROGRESSIVE="1")
    yield "sampled-440", turbo(colour, 4)
    yield "sampled-411", turbo(colour, 5)
    # A file of some cameras: bytes between the data and the mark of its end.
    whole = saved(image, quality=95)
    yield "stray-bytes", whole[:-2] + b"\x01\x02\x03" + whole[-2:]


def case(name, data):
    image = Image.open(io.BytesIO(data))
    if image.mode == "I;16":
        pixels = np.repeat((np.asarray(image) >> 8).astype(np.uint8)[..., None], 3, axis=2)
    else:
        pixels = np.asarray(image.convert("RGB"))
    return {
        "name": name, "file": base64.b64encode(data).decode(), "height": pixels.shape[0], "width": pixels.shape[1],
        "pixels": base64.b64encode(np.ascontiguousarray(pixels).tobytes()).decode(),
    }


cases = {"png": [case(*each) for each in png_cases()], "jpeg": [case(*each) for each in jpeg_cases()]}
(HERE / "decoding.json").write_text(json.dumps(cases, indent=0) + "\n")
