#!/usr/bin/env python3
"""Writes texts of every script with the tokens that Hugging Face's `tokenizers` makes of them.

  python3 make-texts.py FOLDER [LINES] [SEED]

FOLDER gets `cased` and `uncased`, each with vocab.txt, tokenizer_config.json and tokenizer.json, and `texts.jsonl`: a text
a line, with the tokens of both tokenizers, whole and cut to 12. The fixtures beside this script: FOLDER `golden`, 200, 1."""

import json
import pathlib
import random
import sys

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
# First and last character of scripts and of what stands between words.
SCRIPTS = [
    (0x21, 0x7e), (0xa1, 0xff), (0x100, 0x24f), (0x250, 0x2af), (0x300, 0x36f), (0x370, 0x3ff), (0x400, 0x52f),
    (0x531, 0x58f), (0x591, 0x5f4), (0x600, 0x6ff), (0x700, 0x74f), (0x780, 0x7bf), (0x900, 0x97f), (0x980, 0x9ff),
    (0xa00, 0xa7f), (0xb80, 0xbff), (0xc00, 0xc7f), (0xd00, 0xd7f), (0xd80, 0xdff), (0xe00, 0xe7f), (0xe80, 0xeff),
    (0xf00, 0xfff), (0x1000, 0x109f), (0x10a0, 0x10ff), (0x1200, 0x137f), (0x13a0, 0x13ff), (0x1400, 0x167f),
    (0x1780, 0x17ff), (0x1800, 0x18af), (0x1e00, 0x1eff), (0x1f00, 0x1fff), (0x2000, 0x206f), (0x20a0, 0x20cf),
    (0x2100, 0x214f), (0x2190, 0x21ff), (0x2600, 0x27bf), (0x3000, 0x303f), (0x3041, 0x30ff), (0x3400, 0x4dbf),
    (0x4e00, 0x9fff), (0xa960, 0xa9df), (0xac00, 0xd7a3), (0xe000, 0xe0ff), (0xf900, 0xfaff), (0xfb00, 0xfdff),
    (0xfe00, 0xfe6f), (0xff00, 0xffef), (0x10000, 0x100ff), (0x10400, 0x1044f), (0x11000, 0x11fff), (0x1d400, 0x1d7ff),
    (0x1e900, 0x1e95f), (0x1f300, 0x1faff), (0x20000, 0x2a6df), (0x2b740, 0x2ceaf), (0x2f800, 0x2fa1f)]
BLANKS = [" ", " ", " ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u2028", "\u3000", "\u0085", "\u1680", "\u200b"]
CONTROLS = [chr(c) for c in list(range(32)) + list(range(0x7f, 0xa0))] + list("\u00ad\u200d\u200e\u202e\ufeff\ufffd\ufff9")
ODD = ["İstanbul", "ΣΊΣΥΦΟΣ", "Straße", "ǅ", "ﬁne", "e\u0301\u0323", "Å", "naïve", "don't", "U.S.A.", "3.14", "a\u0300\u0301\u0302",
       "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "한국어", "\u1112\u1161\u11ab", "日本語テキスト", "[CLS]", "[SEP]", "[MASK]", "[PAD]", "[UNK]",
       "[cls]", "[CLS", "##ing", "http://x.y/z?q=1&r=%20", "\U00011938", "\u166d", "x" * 99, "y" * 100, "z" * 101, ""]


def word(draw):
    kind = draw.random()
    if kind < 0.35:
        return "".join(draw.choice("etaoinshrdluETAOIN") for _ in range(draw.randint(1, 9)))
    if kind < 0.75:
        first, last = draw.choice(SCRIPTS)
        return "".join(chr(draw.randint(first, last)) for _ in range(draw.randint(1, 7)))
    if kind < 0.85:
        return draw.choice(ODD)
    if kind < 0.9:
        return draw.choice(CONTROLS)
    if kind < 0.95:
        return "".join(draw.choice("etao'-.,!?()[]{}_@#$%^&*+=<>~`|\\/:;\"0123456789") for _ in range(draw.randint(1, 6)))
    return "".join(chr(anything(draw)) for _ in range(draw.randint(1, 5)))


def anything(draw):
    while True:
        scalar = draw.randrange(0x110000)
        if not 0xd800 <= scalar < 0xe000:
            return scalar


def text(draw):
    return "".join(word(draw) + (draw.choice(BLANKS) if draw.random() < 0.8 else "") for _ in range(draw.randint(0, 12)))


def vocabulary(draw, normalizer):
    """Pieces of other texts of the kind: about two thirds of what their words could be cut into."""
    pieces = dict.fromkeys(SPECIAL)
    cut = pre_tokenizers.BertPreTokenizer()
    for letter in "etaoinshrdluETAOIN0123456789.,!?'[]":
        pieces.update({letter: None, "##" + letter: None})
    for _ in range(250):
        for found, _ in cut.pre_tokenize_str(normalizer.normalize_str(text(draw))):
            for _ in range(3):
                first = draw.randint(0, min(8, len(found) - 1))
                piece = found[first:first + draw.randint(1, 3)]
                pieces[("##" if first else "") + piece] = None
    # Line ends would cut a line of vocab.txt.
    return [piece for piece in pieces if not set(piece) & set("\r\n")]


def tokenizer(draw, lowercase, folder):
    normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    pieces = vocabulary(draw, normalizer)
    numbers = {piece: number for number, piece in enumerate(pieces)}
    made = Tokenizer(models.WordPiece(numbers, unk_token="[UNK]", max_input_chars_per_word=100))
    made.normalizer = normalizer
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.add_special_tokens(SPECIAL)
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", numbers["[CLS]"]), ("[SEP]", numbers["[SEP]"])])
    folder.mkdir(parents=True, exist_ok=True)
    made.save(str(folder / "tokenizer.json"))
    (folder / "vocab.txt").write_text("".join(piece + "\n" for piece in pieces), encoding="utf-8", newline="\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": lowercase}))
    return made


def main(folder, lines=200, seed=1):
    folder = pathlib.Path(folder)
    draw = random.Random(int(seed))
    both = {name: tokenizer(draw, name == "uncased", folder / name) for name in ("cased", "uncased")}
    rows = [{"text": text(draw)} for _ in range(int(lines))]
    for name, made in both.items():
        for row in rows:
            made.no_truncation()
            row[name] = made.encode(row["text"]).ids
            made.enable_truncation(12)
            row[name + "-cut"] = made.encode(row["text"]).ids
    with open(folder / "texts.jsonl", "w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row) + "\n")


main(*sys.argv[1:])
