"""Inference against the golden vectors of each family of encoders, and against the page alone."""

import dataclasses
import json

import numpy as np
import pytest
from safetensors.numpy import save_file
from vectors import ALL, FIXTURES, OF_IMAGES, WORDS, Vectors, encoder_folder, encoder_tensors, read, unified_fixture

import impromptu
from impromptu.model.bert import TextEncoder
from impromptu.model.description import EncoderDescription
from impromptu.model.images import as_pixels
from impromptu.model.positions import resampled
from impromptu.model.vit import Encoder, rounded


def error(found, expected):
    return np.abs(found - expected).max() / max(1, np.abs(expected).max())


@pytest.fixture(params=ALL)
def vectors(request):
    return Vectors(request.param)


def model_of(vectors):
    return impromptu.PromptedModel(vectors.description, vectors.tensors, vectors.encoder())


@pytest.fixture
def model(vectors):
    return model_of(vectors)


@pytest.mark.parametrize("name", OF_IMAGES)
def test_images_are_prepared_as_the_page_says(name):
    vectors = Vectors(name)
    model = model_of(vectors)
    found = np.stack([model.prepare(image) for image in vectors.images])
    # A byte that differs would be 1 / (255 · 0.3) off.
    assert error(found, vectors.expected["prepared"]) < 1e-5
    assert np.array_equal(model.predict(vectors.images).logits, model.classify(found).logits)


def test_similarities_and_picks_match(vectors, model):
    inputs = vectors.inputs
    assert error(model.similarities(inputs), vectors.expected["similarities"]) < 1e-5
    assert model.classify(inputs).picks == vectors.expected["picks.instance"].tolist()
    shared = vectors.expected["picks.batch"].tolist()
    assert model.with_selection("batch").classify(inputs).picks == [shared] * len(inputs)


def test_logits_match_by_instance_and_by_batch(vectors, model):
    for selection in ("instance", "batch"):
        found = model.with_selection(selection).classify(vectors.inputs)
        assert error(found.logits, vectors.expected[f"logits.{selection}"]) < 1e-4
        assert found.indices.tolist() == vectors.expected[f"logits.{selection}"].argmax(1).tolist()
        assert np.allclose(found.probabilities.sum(1), 1) and found.labels[0] == f"class {found.indices[0]}"


def test_no_image_depends_on_another_by_instance(vectors, model):
    inputs = vectors.inputs
    together = model.classify(inputs)
    for place in range(len(inputs)):
        alone = model.classify(inputs[place : place + 1])
        assert alone.picks == together.picks[place : place + 1]
        assert error(alone.logits, together.logits[place : place + 1]) < 1e-5


GRADIENT_FIXTURES = sorted(path.stem for path in FIXTURES.glob("grad-*.safetensors"))


@pytest.mark.parametrize("name", GRADIENT_FIXTURES)
def test_features_of_models_as_each_library_saves_them_match(name):
    """The class features with prompts, as the libraries themselves, or their formulas in float64, gave them."""
    tensors, metadata = read(FIXTURES / f"{name}.safetensors")
    config = json.loads(metadata["config"])

    def said(*names, otherwise):
        return next((config[name] for name in names if config.get(name) is not None), otherwise)

    family = metadata["family"]
    act = {"gelu": "gelu", "quick_gelu": "quickGelu", "gelu_pytorch_tanh": "geluTanh"}
    standard = "quick_gelu" if family == "clip" else "gelu"
    width, depth = said("hidden_size", "embed_dim", "hidden_dim", otherwise=24), said(
        "num_hidden_layers", "depth", "num_layers", otherwise=3)  # fmt: skip
    patch = said("patch_size", otherwise=4)
    description = EncoderDescription(
        family, "", "", width, depth, said("num_attention_heads", "num_heads", otherwise=3), 0, patch,
        act[said("hidden_act", otherwise=standard)],
        said("layer_norm_eps", otherwise={"clip": 1e-5}.get(family, 1e-6)), 0,
        "attention-pooling" if "model.head.probe" in tensors else "class-token",
    )  # fmt: skip
    images = tensors["input.images"]
    encoder = Encoder(unified_fixture(name, description, images.shape[-1]), description)
    prompts = tensors["input.prompts"]
    found = encoder.features(images, prompts.reshape(1, len(prompts), -1, width))
    assert error(found, tensors["expected.features"]) < 1e-5


@pytest.mark.parametrize("name", sorted(path.stem for path in FIXTURES.glob("text-*.safetensors")))
def test_features_of_texts_match(name):
    """Those of a batch that is padded and masked, in float64."""
    tensors, metadata = read(FIXTURES / f"{name}.safetensors")
    config, prompts = json.loads(metadata["config"]), tensors["input.prompts"]
    width = config["hidden_size"]
    description = EncoderDescription(
        "bert", "", "", width, config["num_hidden_layers"], config["num_attention_heads"], 0, 1, "gelu",
        config["layer_norm_eps"], 0, metadata["pooling"],
    )  # fmt: skip
    encoder = TextEncoder(unified_fixture(name, description), description)
    found = encoder.features(tensors["input.tokens"], prompts.reshape(1, len(prompts), -1, width))
    assert error(found, tensors["expected.features"]) < 1e-5


def test_texts_become_tokens_and_tokens_classes(tmp_path):
    vectors = Vectors("bert")
    folder = encoder_folder(tmp_path / "weights", vectors)
    saved(vectors, tmp_path / "prompts.safetensors")
    model = impromptu.PromptedModel.load(tmp_path, folder, check_digest=False)
    assert model.prepare(f"{WORDS[3].upper()} {WORDS[0]}, strange").tolist() == [2, 7, 4, 1, 1, 3]
    assert len(model.prepare(" ".join(WORDS))) == 16
    texts = [f"{WORDS[1]} {WORDS[2]}", WORDS[5]]
    found = model.predict(texts)
    assert np.array_equal(found.logits, model.classify(np.array([[2, 5, 6, 3], [2, 9, 3, -1]])).logits)
    assert error(found.logits[1:], model.predict(texts[1:]).logits) < 1e-5
    assert model.description.with_weights(folder).encoder.digest != model.description.encoder.digest
    assert model.description.specification().fields["text.maximum_length"] == "16"


def test_what_is_no_text_is_refused_in_one_sentence(tmp_path):
    vectors = Vectors("bert")
    model = model_of(vectors)
    with pytest.raises(impromptu.ModelError, match="text: expected a str, found ndarray"):
        model.prepare(np.zeros(3))
    with pytest.raises(impromptu.ModelError, match="expected a tokenizer"):
        model.prepare("words")
    with pytest.raises(impromptu.ModelError, match="texts: expected at least one, found none"):
        model.predict([])
    for tokens in ([[30]], [[-1]], [[1] * 17], [[-1, 2]]):
        with pytest.raises(impromptu.ModelError, match="inputs: expected 1 to 16 tokens from 0 to 29"):
            model.classify(np.array(tokens))
    folder = encoder_folder(tmp_path / "weights", vectors)
    saved(vectors, tmp_path / "prompts.safetensors")
    (folder / "vocab.txt").write_text("[CLS]\n")
    with pytest.raises(impromptu.ModelError, match=r"vocab.txt: expected the piece \[UNK\], found none"):
        impromptu.PromptedModel.load(tmp_path, folder, check_digest=False)
    (folder / "vocab.txt").unlink()
    with pytest.raises(impromptu.ModelError, match="expected tokenizer.json or vocab.txt"):
        impromptu.PromptedModel.load(tmp_path, folder, check_digest=False)


def test_values_are_rounded_to_bfloat16():
    bits = {0x3F800000: 0x3F800000, 0x3F807FFF: 0x3F800000, 0x3F808000: 0x3F800000, 0x3F818000: 0x3F820000,
            0xBF818000: 0xBF820000, 0x7F7F8000: 0x7F800000, 0xFF800000: 0xFF800000, 0x00800000: 0x00800000,
            0x007FFFFF: 0, 0x80000001: 0x80000000}  # fmt: skip
    given = np.array(list(bits), np.uint32).view(np.float32)
    assert rounded(given).view(np.uint32).tolist() == list(bits.values())
    assert np.isnan(rounded(np.array([0x7F800001, 0xFFFFFFFF], np.uint32).view(np.float32))).all()


def test_positions_are_resampled_as_the_libraries_do():
    tensors, _ = read(FIXTURES / "positions-5x5x8.safetensors")
    manners = {"plain": "centres", "corners": "corners", "antialias": "antialiased"}
    grid = tensors.pop("grid").reshape(25, 8).astype(np.float32)
    for name, expected in tensors.items():
        manner, size = name.split(".")
        found = resampled(grid, manners[manner], int(size))
        assert error(found, expected.reshape(found.shape)) < 1e-5, name


def saved(vectors, path, **changes):
    """A prompts file of golden vectors."""
    description = json.loads(json.dumps(dataclasses.asdict(vectors.description)))
    metadata = {"format": "impromptu.prompts.v2", "run": "r", "run_id": "00", "version": "3", "digest": "00",
                "prompt_ids": "0 1 2 3 4 5", "model": json.dumps(description)} | changes  # fmt: skip
    save_file({name: np.ascontiguousarray(values) for name, values in vectors.tensors.items()}, path, metadata)


@pytest.mark.parametrize("name", OF_IMAGES)
def test_a_file_of_prompts_and_one_of_weights_are_all_that_it_takes(name, tmp_path):
    vectors = Vectors(name)
    model = model_of(vectors)
    saved(vectors, tmp_path / "prompts.safetensors")
    (tmp_path / "weights").mkdir()
    save_file(encoder_tensors(vectors.fixture), tmp_path / "weights" / "model.safetensors")
    with pytest.raises(impromptu.ModelError, match="expected the encoder with digest"):
        impromptu.PromptedModel.load(tmp_path, tmp_path / "weights")
    loaded = impromptu.PromptedModel.load(tmp_path, tmp_path / "weights", check_digest=False)
    assert np.array_equal(loaded.predict(vectors.images).logits, model.predict(vectors.images).logits)


def test_what_is_no_prompts_file_is_refused_in_one_sentence(tmp_path):
    vectors = Vectors("vit")
    path = tmp_path / "prompts.safetensors"
    description = dataclasses.asdict(vectors.description)
    broken = [
        ({"format": "impromptu.prompts.v1"}, "expected the format impromptu.prompts.v2, found 'impromptu.prompts.v1'"),
        ({"model": "{"}, "model: expected JSON"),
        ({"model": json.dumps(description | {"modality": "smell"})}, "modality: expected 'image' or 'text', found 'smell'"),
        ({"model": json.dumps(description | {"head": {"reads": "feature"}})}, "head.inputs: expected a value, found none"),
        ({"model": json.dumps(description | {"classes": ["a"]})}, r"head.weight: expected shape \[1, 24\], found \[4, 24\]"),
    ]
    for changes, sentence in broken:
        saved(vectors, path, **changes)
        with pytest.raises(impromptu.ModelError, match=sentence):
            impromptu.PromptedModel.load(path, tmp_path)
    path.write_bytes(b"version https://git-lfs")
    with pytest.raises(impromptu.ModelError, match="expected a prompts file"):
        impromptu.PromptedModel.load(path, tmp_path)
    with pytest.raises(impromptu.ModelError, match="expected model.safetensors or one other"):
        saved(vectors, path)
        (tmp_path / "other.safetensors").write_bytes(path.read_bytes())
        impromptu.PromptedModel.load(path, tmp_path)
    with pytest.raises(impromptu.ModelError, match=r"expected bytes \[height, width, 3\], found float64 \[4, 4, 3\]"):
        as_pixels(np.zeros((4, 4, 3)))


def test_prompts_enter_before_a_block_that_the_encoder_has():
    description = dataclasses.asdict(Vectors("clip-later").description)

    def read_back(**changes):
        prompts = {name: value for name, value in (description["prompts"] | changes).items() if value is not None}
        return impromptu.ModelDescription.from_json(json.dumps(description | {"prompts": prompts}), "file")

    named = list(read_back().specification().fields.items())
    place = named.index(("prompts.first_block", "1"))
    assert [name for name, _ in named[place - 1 : place + 2]] == [
        "prompts.key_projection", "prompts.first_block", "feature.whitening"]  # fmt: skip
    plain = read_back(first_block=None)
    assert plain == read_back(first_block=0) and "prompts.first_block" not in plain.specification().fields
    for changes, sentence in (
        ({"selection": None}, "selection: expected a value, found none"),
        ({"first_block": 1.5}, "first_block: expected int, found 1.5"),
        ({"first_block": -1}, "first_block: expected at least 0, found -1"),
        ({"first_block": 2}, "first_block: expected at most 1, found 2"),
        ({"blocks": 0}, "blocks: expected at least 1, found 0"),
        ({"blocks": 4}, "blocks: expected at most 3, found 4"),
    ):
        with pytest.raises(impromptu.ModelError, match=f"^file: model.prompts.{sentence}$"):
            read_back(**changes)


def test_weights_of_another_kind_or_with_wrong_values_are_refused(tmp_path):
    vectors = Vectors("vit")
    saved(vectors, tmp_path / "prompts.safetensors")
    weights, _ = read(FIXTURES / "grad-timm-shared.safetensors")
    own = {key: values for key, values in weights.items() if key.startswith("model.")}
    folder = tmp_path / "weights"
    folder.mkdir()

    def refusal(tensors):
        save_file(tensors, folder / "model.safetensors")
        with pytest.raises(impromptu.ModelError) as raised:
            impromptu.PromptedModel.load(tmp_path, folder, check_digest=False)
        return str(raised.value)

    name = "model.blocks.1.attn.proj.weight"
    assert f"{name}: expected finite values, found 1" in refusal(
        own | {name: np.where(np.arange(24 * 24).reshape(24, 24) == 5, np.nan, own[name])}
    )
    assert f"{name}: expected shape [24, 24], found [24, 23]" in refusal(own | {name: own[name][:, :23].copy()})
    assert f"expected the tensor {name}, found none" in refusal({key: own[key] for key in own if key != name})
    assert "expected a vision transformer" in refusal({"lstm.weight": np.zeros((2, 2), np.float32)})
