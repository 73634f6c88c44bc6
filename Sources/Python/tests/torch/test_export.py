"""A tuned model as an ONNX graph, run by onnxruntime."""

import dataclasses

import numpy as np
import onnxruntime
import pytest
import torch
from test_hooked import model_of
from test_prompted import error, prompted
from vectors import OF_IMAGES, Vectors

import impromptu
from impromptu.torch import InferenceGraph, PromptedViT, export_onnx


def run(path, inputs):
    return onnxruntime.InferenceSession(str(path)).run(["logits"], {"images": inputs})[0]


@pytest.mark.parametrize("name", OF_IMAGES)
def test_a_graph_gives_the_logits_of_the_model_for_any_number_of_images(name, tmp_path):
    vectors = Vectors(name)
    export_onnx(prompted(vectors), tmp_path / "model.onnx")
    for count in (1, 3):
        found = run(tmp_path / "model.onnx", vectors.expected["prepared"][:count])
        assert error(found, vectors.expected["logits.instance"][:count]) < 1e-4


def test_a_model_of_a_library_becomes_a_graph_too(tmp_path):
    vectors = Vectors("vit")
    model = PromptedViT(model_of("grad-timm-shared")[0], vectors.description, vectors.tensors)
    export_onnx(model, tmp_path / "model.onnx")
    found = run(tmp_path / "model.onnx", vectors.expected["prepared"])
    assert error(found, vectors.expected["logits.instance"]) < 1e-4


def test_whole_pools_and_no_prompts_are_exported_as_they_are_used():
    vectors = Vectors("vit")
    inputs = torch.tensor(vectors.expected["prepared"])
    for changes in ({"use": "all", "picked": 0}, {"use": "none", "picked": 0}, {"picked": 6}, {"picked": 2}):
        rule = dataclasses.replace(vectors.description.prompts, **changes)
        model = PromptedViT(prompted(vectors).encoder, dataclasses.replace(vectors.description, prompts=rule), vectors.tensors)
        assert np.allclose(InferenceGraph(model)(inputs).detach(), model(inputs).detach(), atol=1e-5)


def test_what_depends_on_neighbours_is_refused():
    vectors = Vectors("vit")
    rule = dataclasses.replace(vectors.description.prompts, selection="batch")
    model = PromptedViT(prompted(vectors).encoder, dataclasses.replace(vectors.description, prompts=rule), vectors.tensors)
    with pytest.raises(impromptu.ConfigurationError, match="expected 'instance' for a graph, found 'batch'"):
        InferenceGraph(model)
    with pytest.raises(impromptu.ConfigurationError, match="description: expected the model's"):
        InferenceGraph(PromptedViT(model.encoder, None, vectors.tensors))
