"""Prompts by hooks in models as timm, transformers and torchvision build them, on fixtures that these libraries made."""

import pytest
import replicas
import torch
from test_prompted import error
from vectors import FIXTURES, Vectors, read

import impromptu
from impromptu.torch import HookedViT, PromptedViT, VisionTransformer

MODELS = {
    "grad-timm-shared": (replicas.TimmVisionTransformer, (2, 96)),
    "grad-timm-deep": (replicas.TimmVisionTransformer, (3, 48)),
    "grad-clip-shared": (replicas.ClipVisionModel, (2, 96)),
    "grad-clip-deep": (replicas.ClipVisionModel, (3, 48)),
    "grad-hfvit-shared": (replicas.ViTModel, (2, 96)),
    "grad-siglip-deep": (replicas.SiglipVisionModel, (2, 48)),
    "grad-tv-shared": (replicas.TorchvisionVisionTransformer, (2, 96, 5)),
    "grad-tv-authors-head": (replicas.TorchvisionVisionTransformer, (2, 48, 20)),
}


def model_of(name):
    """The model with the fixture's weights, and the fixture."""
    tensors, _ = read(FIXTURES / f"{name}.safetensors")
    make, sizes = MODELS[name]
    weights = {key.removeprefix("model."): torch.tensor(values) for key, values in tensors.items() if key.startswith("model.")}
    classes = weights.get("heads.head.bias")
    model = make(*sizes[:2], len(classes)) if len(sizes) == 3 and classes is not None else make(*sizes)
    weights = {key: values for key, values in weights.items() if not key.startswith(("pooler.", "visual_projection."))}
    # timm's own head is no part of the feature; the replica has none.
    known = model.state_dict()
    model.load_state_dict({key: value.reshape(known[key].shape) for key, value in weights.items() if key in known or
                           not key.startswith("head.")})  # fmt: skip
    return model, tensors


@pytest.mark.parametrize("name", MODELS)
def test_features_and_gradients_are_those_of_the_library(name):
    model, tensors = model_of(name)
    vit = HookedViT(model)
    prompts = torch.tensor(tensors["input.prompts"], requires_grad=True)
    images = torch.tensor(tensors["input.images"])
    found = vit.features(images, prompts.reshape(1, len(prompts), -1, replicas.WIDTH))
    assert error(found, tensors["expected.features"]) < 1e-5
    if name == "grad-tv-authors-head":
        return  # its head has two layers
    logits = found @ torch.tensor(tensors["input.head.weight"]).T + torch.tensor(tensors["input.head.bias"])
    torch.nn.functional.cross_entropy(logits, torch.tensor(tensors["input.labels"]).long()).backward()
    assert error(prompts.grad, tensors["expected.grad.prompts"]) < 1e-5
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("name", MODELS)
def test_without_prompts_a_model_is_what_it_was(name):
    model, tensors = model_of(name)
    vit = HookedViT(model)
    images = torch.tensor(tensors["input.images"])
    plain = vit.features(images, None)
    with_prompts = vit.features(images, torch.ones(1, 2, 1, replicas.WIDTH))
    assert torch.equal(vit.features(images, None), plain) and not torch.allclose(with_prompts, plain)


@pytest.mark.parametrize("name", ["vit", "clip", "siglip", "vit-later", "clip-later", "siglip-later"])
def test_a_prompted_model_is_the_same_by_hooks_and_from_files(name):
    vectors = Vectors(name)
    hooked = PromptedViT(model_of(vectors.fixture)[0], vectors.description, vectors.tensors)
    own = PromptedViT(VisionTransformer(vectors.weights, vectors.description.encoder), vectors.description, vectors.tensors)
    inputs = torch.tensor(vectors.expected["prepared"])
    assert error(hooked(inputs), vectors.expected["logits.instance"]) < 1e-4
    assert torch.equal(hooked.rows(inputs, vectors.description.prompts), own.rows(inputs, vectors.description.prompts))
    for model in (hooked, own):
        model(inputs).square().sum().backward()
    assert error(hooked.get("prompts").grad, own.get("prompts").grad.numpy()) < 1e-5


@pytest.mark.parametrize("first_block", [0, 1, 2])
def test_blocks_before_the_prompts_have_no_gradient(first_block):
    model, tensors = model_of("grad-timm-deep")
    vit, found = HookedViT(model), []
    for block in model.blocks:
        block.register_forward_hook(lambda block, given, made: found.append(made.requires_grad))
    prompts = torch.ones(1, 2, 1, replicas.WIDTH, requires_grad=True)
    vit.features(torch.tensor(tensors["input.images"]), prompts, first_block)
    assert found == [index >= first_block for index in range(3)]


def test_the_classifier_of_a_model_is_found():
    vectors = Vectors("torchvision")
    model = PromptedViT(model_of("grad-tv-authors-head")[0], vectors.description, vectors.tensors)
    inputs = torch.tensor(vectors.expected["prepared"])
    assert error(model(inputs), vectors.expected["logits.instance"]) < 1e-4


def test_what_is_not_recognised_is_refused_and_can_be_told():
    plain = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 16 * 16, 4))
    with pytest.raises(impromptu.ConfigurationError, match="expected a vision transformer of timm.*give blocks="):
        HookedViT(plain)
    model, tensors = model_of("grad-timm-shared")
    told = HookedViT(model, blocks=list(model.blocks), features=lambda vit, images: vit.forward_features(images)[:, 0])
    prompts = torch.tensor(tensors["input.prompts"])
    images = torch.tensor(tensors["input.images"])
    assert error(told.features(images, prompts[None, :, None]), tensors["expected.features"]) < 1e-5
