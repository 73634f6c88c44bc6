"""Prompts in PyTorch against the golden vectors: features, picks, logits, loss and gradients of each family."""

import dataclasses
import re

import numpy as np
import pytest
import torch
from vectors import ALL, LATER, WORDS, Vectors, encoder_folder, encoder_tensors

import impromptu
from impromptu.plan import TrainingPlan
from impromptu.torch import (
    PromptedBert,
    PromptedEncoder,
    PromptedViT,
    Samples,
    TextTransformer,
    VisionTransformer,
    evaluate,
    tune,
)


def error(found, expected):
    found = found.detach().cpu().numpy() if torch.is_tensor(found) else found
    return np.abs(found - expected).max() / max(1, np.abs(expected).max())


@pytest.fixture(params=ALL)
def vectors(request):
    return Vectors(request.param)


def prompted(vectors):
    if vectors.description.text:
        bert = TextTransformer(vectors.weights, vectors.description.encoder)
        return PromptedBert(bert, vectors.description, vectors.tensors)
    vit = VisionTransformer(vectors.weights, vectors.description.encoder)
    return PromptedViT(vit, vectors.description, vectors.tensors)


@pytest.fixture
def inputs(vectors):
    return torch.tensor(vectors.inputs)


def test_similarities_and_picks_match(vectors, inputs):
    model = prompted(vectors)
    assert error(model.similarities(model.plain_features(inputs)), vectors.expected["similarities"]) < 1e-5
    rows = model.rows(inputs, vectors.description.prompts)
    assert rows.tolist() == vectors.expected["picks.instance"].tolist()


def test_logits_match_by_instance_and_by_batch(vectors, inputs):
    model = prompted(vectors)
    assert error(model(inputs), vectors.expected["logits.instance"]) < 1e-4
    shared = dataclasses.replace(vectors.description.prompts, selection="batch")
    assert error(model.classify(inputs, shared), vectors.expected["logits.batch"]) < 1e-4


def test_logits_are_those_of_numpy(vectors, inputs):
    numpy = impromptu.PromptedModel(vectors.description, vectors.tensors, vectors.encoder())
    assert error(prompted(vectors)(inputs), numpy.classify(inputs.numpy()).logits) < 1e-5


def test_loss_and_gradients_match(vectors, inputs):
    """One step of plain SGD with rate 1 moves each value by its gradient."""
    plan = TrainingPlan(
        optimizer="sgd", momentum=0, prompt_learning_rate=1, head_learning_rate=1, batch_size=3,
        prompts_per_batch=vectors.description.prompts.picked, first_block=vectors.description.prompts.first_block,
        personal="nothing", **vectors.plan,
    )  # fmt: skip
    samples = Samples((inputs, vectors.labels))
    result = tune(prompted(vectors), samples, vectors.tensors, plan, seed=1)
    expected = {name.removeprefix("grad."): value for name, value in vectors.expected.items() if name.startswith("grad.")}
    assert result.metrics["loss"] == pytest.approx(vectors.expected["loss"][0], rel=1e-5)
    assert set(result.tensors) == set(expected)
    assert result.rows == sorted(vectors.expected["picks.batch"].tolist())
    for name, gradient in expected.items():
        base, moved = vectors.tensors[name], result.tensors[name].numpy()
        if name == "prompts":
            base, gradient = base[result.rows], gradient[result.rows]
        assert error(base - moved, gradient) < 2e-5, name


@pytest.fixture
def rounding(vectors):
    """The same model, with the weights of its blocks in bfloat16."""
    encoder = dataclasses.replace(vectors.description.encoder, precision="bfloat16")
    vectors.description = dataclasses.replace(vectors.description, encoder=encoder)
    return vectors


def test_logits_in_bfloat16_are_near_and_those_of_numpy(rounding, inputs):
    found = prompted(rounding)(inputs)
    assert 1e-4 < error(found, rounding.expected["logits.instance"]) < 0.05
    numpy = impromptu.PromptedModel(rounding.description, rounding.tensors, rounding.encoder())
    # A sum that differs in its last bit may be rounded to the next number.
    assert error(found, numpy.classify(inputs.numpy()).logits) < 0.01


def test_gradients_in_bfloat16_are_near(rounding, inputs):
    model = prompted(rounding)
    prompts = torch.tensor(rounding.tensors["prompts"])
    parts = prompts.reshape(1, len(prompts), -1, model.encoder.width).requires_grad_()
    (rounded,) = torch.autograd.grad(model.encoded(inputs, parts).square().sum(), parts)
    plain = dataclasses.replace(rounding.description.encoder, precision="float32")
    rounding.description = dataclasses.replace(rounding.description, encoder=plain)
    features = prompted(rounding).encoded(inputs, parts)
    (expected,) = torch.autograd.grad(features.square().sum(), parts)
    assert 1e-4 < error(rounded, expected.numpy()) < 0.05
    assert rounded.dtype == torch.float32


def test_an_encoder_in_another_precision_is_refused(rounding):
    description, weights = rounding.description, rounding.weights
    plain = dataclasses.replace(description.encoder, precision="float32")
    kind, around = (TextTransformer, PromptedBert) if description.text else (VisionTransformer, PromptedViT)
    with pytest.raises(impromptu.ModelError, match=f"expected an encoder in bfloat16, .* found {kind.__name__} in float32"):
        around(kind(weights, plain), description)


def test_an_evaluation_is_that_of_the_logits(vectors, inputs):
    found = evaluate(prompted(vectors), Samples((inputs, vectors.labels)))
    logits = vectors.expected["logits.instance"]
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert found.loss == pytest.approx(-np.log(shares[np.arange(3), vectors.labels]).mean(), rel=1e-4)
    assert found.total == [1, 0, 2, 0] and found.accuracy == (logits.argmax(1) == vectors.labels).mean()


def test_the_encoder_stays_as_it_is_and_moves_with_the_model(vectors, inputs):
    model = prompted(vectors).train()
    assert set(dict(model.named_parameters())) == {f"tuned.{name.replace('.', '_')}" for name in model.tensors()}
    assert model.to("cpu").device.type == "cpu"
    state = model.state_dict()
    other = prompted(vectors)
    other.load_state_dict(state)
    assert torch.equal(other(inputs), model(inputs))


def test_autocast_changes_little(vectors, inputs):
    model = prompted(vectors)
    first_block = vectors.description.prompts.first_block
    plan = TrainingPlan(batch_size=2, prompts_per_batch=3, first_block=first_block, personal="nothing")
    samples = Samples((inputs, vectors.labels))
    plain = tune(model, samples, vectors.tensors, plan, seed=5)
    half = tune(model, samples, vectors.tensors, plan, seed=5, autocast=torch.bfloat16)
    assert half.metrics["loss"] == pytest.approx(plain.metrics["loss"], rel=0.1)
    assert half.metrics["loss"] != plain.metrics["loss"]


def test_states_that_do_not_fit_are_refused_in_one_sentence():
    vectors = Vectors("vit")
    model = prompted(vectors)
    with pytest.raises(impromptu.ModelError, match="prompts: expected rows of 1 to 2 times 24 values, found 25"):
        model.load_tensors(vectors.tensors | {"prompts": np.zeros((2, 25), np.float32)})
    later = Vectors("clip-later")
    with pytest.raises(impromptu.ModelError, match="prompts: expected rows of 1 to 2 times 24 values, found 72"):
        prompted(later).load_tensors(later.tensors | {"prompts": np.zeros((2, 72), np.float32)})
    with pytest.raises(impromptu.ModelError, match="head: expected 24 inputs, found 5"):
        model.load_tensors(vectors.tensors | {"head.weight": np.zeros((4, 5), np.float32)})
    with pytest.raises(impromptu.UpdateError, match="labels: expected 0 to 3, found 7"):
        tune(model, Samples((torch.zeros(1, 3, 16, 16), [7])), vectors.tensors, TrainingPlan(), seed=1)
    with pytest.raises(impromptu.UpdateError, match="generator"):
        state = vectors.tensors | {"generator.query": np.zeros((24, 4), np.float32)}
        tune(model, Samples((torch.zeros(1, 3, 16, 16), [0])), state, TrainingPlan(), seed=1)


@pytest.mark.parametrize("name", LATER)
def test_blocks_before_the_prompts_have_no_gradient(name):
    vectors, found = Vectors(name), []
    model = prompted(vectors)
    for block in model.encoder.blocks:
        block.contract.register_forward_hook(lambda layer, given, made: found.append(made.requires_grad))
    rows = torch.arange(2)
    model.features(torch.tensor(vectors.inputs), rows).sum().backward()
    first, depth = vectors.description.prompts.first_block, vectors.description.encoder.depth
    assert found == [index >= first for index in range(depth)]
    assert model.get("prompts").grad[rows].any() and not model.get("prompts").grad[2:].any()


@pytest.mark.parametrize("name", LATER)
def test_a_model_without_a_description_follows_the_plan(name):
    vectors = Vectors(name)
    described, first = prompted(vectors), vectors.description.prompts.first_block
    plan = TrainingPlan(batch_size=3, prompts_per_batch=3, first_block=first, personal="nothing")
    samples = Samples((torch.tensor(vectors.inputs), vectors.labels))
    found = tune(PromptedEncoder(described.encoder), samples, vectors.tensors, plan, seed=1)
    expected = tune(described, samples, vectors.tensors, plan, seed=1)
    assert all(torch.equal(found.tensors[key], values) for key, values in expected.tensors.items())
    bare = PromptedEncoder(described.encoder)
    bare.load_tensors(vectors.tensors)
    inputs = torch.tensor(vectors.inputs)
    assert torch.equal(bare.classify(inputs, vectors.description.prompts), prompted(vectors)(inputs))
    with pytest.raises(impromptu.UpdateError, match=f"plan.first_block: expected {first}, as .*, found 0"):
        tune(described, samples, vectors.tensors, dataclasses.replace(plan, first_block=0), seed=1)


def test_an_encoder_may_take_prompts_before_block_0_alone():
    class Simple(torch.nn.Module):
        def __init__(self, known):
            super().__init__()
            self.known, self.width, self.depth, self.classifier = known, known.width, known.depth, None

        def features(self, inputs, prompts):
            return self.known.features(inputs, prompts)

    vectors = Vectors("clip")
    inputs = torch.tensor(vectors.inputs)
    simple = Simple(prompted(vectors).encoder)
    model = PromptedEncoder(simple, vectors.description, vectors.tensors)
    assert torch.equal(model(inputs), prompted(vectors)(inputs))
    later = Vectors("clip-later")
    sentence = "prompts.first_block: expected an encoder with .*, as prompts enter before block 1, found Simple without"
    with pytest.raises(impromptu.ModelError, match=sentence):
        PromptedEncoder(simple, later.description)
    with pytest.raises(impromptu.ModelError, match=sentence):
        plan = TrainingPlan(first_block=1)
        tune(PromptedEncoder(simple), Samples((inputs, vectors.labels)), later.tensors, plan, seed=1)


def test_texts_of_unlike_lengths_make_a_batch(tmp_path):
    vectors = Vectors("bert")
    texts = [torch.tensor([2, 5, 6, 3]), np.array([2, 9, 3], np.int32), [2, 3]]
    tokens, labels = Samples(texts, [1, 0, 2]).batch([0, 1, 2], torch.device("cpu"))
    assert tokens.tolist() == [[2, 5, 6, 3], [2, 9, 3, -1], [2, 3, -1, -1]] and labels.tolist() == [1, 0, 2]
    model = prompted(vectors)
    assert error(model(tokens[1:2, :3]), model(tokens).detach().numpy()[1:2]) < 1e-5
    with pytest.raises(impromptu.ModelError, match="tokens: expected at most 16 of a text, found 17"):
        model(torch.ones(1, 17, dtype=torch.long))
    with pytest.raises(impromptu.ModelError, match="expected a tokenizer"):
        model.prepare(WORDS[0])
    with pytest.raises(impromptu.ModelError, match="expected the encoder with digest"):
        PromptedBert.around(encoder_folder(tmp_path / "weights", vectors), vectors.description)


@pytest.mark.parametrize("name, content", [
    ("t.csv", '\ufefflabel,text\nno,"a, b"\nyes,"c ""d"""\n'), ("t.tsv", 'text\tlabel\n"a\tno\nb\tyes\n')
])  # fmt: skip
def test_a_table_of_texts_is_read(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    samples = Samples.of_table(tmp_path / name, ("yes", "no"), lambda text: torch.tensor([len(text)]))
    tokens, labels = samples.batch([0, 1], torch.device("cpu"))
    assert tokens[:, 0].tolist() == ([4, 5] if name == "t.csv" else [2, 1]) and labels.tolist() == [1, 0]


@pytest.mark.parametrize("content, problem", [
    ("text,kind\na,yes\n", "expected the columns text and label, found ['text', 'kind']"),
    ("", "expected the columns text and label, found none"),
    ("text,label\na,yes\nb,maybe\n", "t.csv:3: expected a text and a class of yes, no, found the class 'maybe'"),
    ("text,label\na\n", "t.csv:2: expected a text and a class of yes, no, found the class None"),
    ("text,label\na,yes,no\n", "t.csv:2: expected 2 fields, found 3"),
    ("text,label\n,yes\n", "found no text"), ("text,label\n", "expected texts, found none"),
    ('text,label\n"a,yes\n', "expected a table of texts: unexpected end of data"),
    (b"text,label\n\xff,yes\n", "expected a table of texts: 'utf-8' codec"), (None, "No such file"),
])  # fmt: skip
def test_a_table_of_texts_with_a_fault_is_refused(tmp_path, content, problem):
    file = tmp_path / "t.csv"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(impromptu.ConfigurationError, match=re.escape(problem)):
        Samples.of_table(file, ("yes", "no"), len)


class BertConfig:
    model_type, hidden_act = "bert", "gelu"

    def __init__(self, description):
        self.hidden_size, self.num_hidden_layers = description.width, description.depth
        self.num_attention_heads, self.layer_norm_eps = description.heads, description.epsilon


def test_a_model_of_transformers_is_taken_by_its_own_names():
    """A module with the configuration and the state of transformers' BertModel."""
    vectors = Vectors("bert")
    bert = torch.nn.Module()
    bert.config = BertConfig(vectors.description.encoder)
    state = {name.removeprefix("model."): torch.tensor(values) for name, values in encoder_tensors(vectors.fixture).items()}
    bert.state_dict = lambda: state
    own = PromptedBert(bert, vectors.description, vectors.tensors)
    tokens = torch.tensor(vectors.inputs)
    assert torch.equal(own(tokens), prompted(vectors)(tokens))
    bert.config.model_type = "roberta"
    with pytest.raises(impromptu.ModelError, match="expected a BertModel of transformers, found Module"):
        PromptedBert(bert, vectors.description)
