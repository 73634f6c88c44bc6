"""Models built as libraries build theirs: the same modules under the same names, called in the same order.

The fixtures were made by the libraries themselves; a model here takes a fixture's weights by their own names.
"""

import torch
from torch import nn
from torch.nn import functional as F

WIDTH, HEADS, PATCH = 24, 3, 4


def attention(q, k, v):
    """Of [images, tokens, width] each."""
    q, k, v = (x.unflatten(2, (HEADS, WIDTH // HEADS)).transpose(1, 2) for x in (q, k, v))
    shares = (q @ k.transpose(2, 3) / (WIDTH // HEADS) ** 0.5).softmax(-1)
    return (shares @ v).transpose(1, 2).flatten(2)


def module(**children):
    """A module that holds others under these names."""
    made = nn.Module()
    for name, child in children.items():
        setattr(made, name, child)
    return made


class Perceptron(nn.Module):
    def __init__(self, hidden, act=F.gelu):
        super().__init__()
        self.fc1, self.fc2, self.act = nn.Linear(WIDTH, hidden), nn.Linear(hidden, WIDTH), act

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x)))


class TimmBlock(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH, eps=1e-6), nn.LayerNorm(WIDTH, eps=1e-6)
        self.attn = module(qkv=nn.Linear(WIDTH, 3 * WIDTH), proj=nn.Linear(WIDTH, WIDTH))
        self.mlp = Perceptron(hidden)

    def forward(self, x):
        x = x + self.attn.proj(attention(*self.attn.qkv(self.norm1(x)).chunk(3, -1)))
        return x + self.mlp(self.norm2(x))


class TimmVisionTransformer(nn.Module):
    """timm.models.vision_transformer.VisionTransformer with a class token."""

    def __init__(self, depth, hidden, image=16):
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + (image // PATCH) ** 2, WIDTH))
        self.patch_embed = module(proj=nn.Conv2d(3, WIDTH, PATCH, PATCH))
        self.blocks = nn.Sequential(*[TimmBlock(hidden) for _ in range(depth)])
        self.norm = nn.LayerNorm(WIDTH, eps=1e-6)
        self.head = nn.Identity()

    def forward_features(self, images):
        x = self.patch_embed.proj(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], dim=1) + self.pos_embed
        return self.norm(self.blocks(x))

    def forward(self, images):
        return self.head(self.forward_features(images)[:, 0])


class Output:
    def __init__(self, last_hidden_state, pooler_output):
        self.last_hidden_state, self.pooler_output = last_hidden_state, pooler_output


class ClipLayer(nn.Module):
    def __init__(self, hidden, act, epsilon):
        super().__init__()
        names = ("q_proj", "k_proj", "v_proj", "out_proj")
        self.self_attn = module(**{name: nn.Linear(WIDTH, WIDTH) for name in names})
        self.layer_norm1, self.layer_norm2 = (nn.LayerNorm(WIDTH, eps=epsilon) for _ in range(2))
        self.mlp = Perceptron(hidden, act)

    def forward(self, hidden_states, attention_mask=None):
        x, own = self.layer_norm1(hidden_states), self.self_attn
        hidden_states = hidden_states + own.out_proj(attention(own.q_proj(x), own.k_proj(x), own.v_proj(x)))
        return hidden_states + self.mlp(self.layer_norm2(hidden_states))


class ClipVisionModel(nn.Module):
    """transformers.CLIPVisionModel."""

    def __init__(self, depth, hidden, image=16):
        super().__init__()
        embeddings = module(
            patch_embedding=nn.Conv2d(3, WIDTH, PATCH, PATCH, bias=False),
            position_embedding=nn.Embedding(1 + (image // PATCH) ** 2, WIDTH),
        )
        embeddings.class_embedding = nn.Parameter(torch.zeros(WIDTH))
        layers = [ClipLayer(hidden, lambda x: x * torch.sigmoid(1.702 * x), 1e-5) for _ in range(depth)]
        self.vision_model = module(
            embeddings=embeddings, pre_layrnorm=nn.LayerNorm(WIDTH, eps=1e-5), encoder=module(layers=nn.ModuleList(layers)),
            post_layernorm=nn.LayerNorm(WIDTH, eps=1e-5),
        )  # fmt: skip

    def forward(self, pixel_values):
        own = self.vision_model
        x = own.embeddings.patch_embedding(pixel_values).flatten(2).transpose(1, 2)
        x = torch.cat([own.embeddings.class_embedding.expand(len(x), 1, -1), x], dim=1)
        x = own.pre_layrnorm(x + own.embeddings.position_embedding.weight)
        for layer in own.encoder.layers:
            x = layer(x, None)
        return Output(x, own.post_layernorm(x[:, 0]))


class SiglipVisionModel(nn.Module):
    """transformers.SiglipVisionModel."""

    def __init__(self, depth, hidden, image=16):
        super().__init__()
        self.embeddings = module(
            patch_embedding=nn.Conv2d(3, WIDTH, PATCH, PATCH),
            position_embedding=nn.Embedding((image // PATCH) ** 2, WIDTH),
        )
        self.encoder = module(layers=nn.ModuleList([ClipLayer(hidden, F.gelu, 1e-6) for _ in range(depth)]))
        self.post_layernorm = nn.LayerNorm(WIDTH, eps=1e-6)
        self.head = module(
            attention=nn.MultiheadAttention(WIDTH, HEADS, batch_first=True), layernorm=nn.LayerNorm(WIDTH, eps=1e-6),
            mlp=Perceptron(hidden),
        )  # fmt: skip
        self.head.probe = nn.Parameter(torch.zeros(1, 1, WIDTH))

    def forward(self, pixel_values):
        x = self.embeddings.patch_embedding(pixel_values).flatten(2).transpose(1, 2)
        x = x + self.embeddings.position_embedding.weight
        for layer in self.encoder.layers:
            x = layer(x, None)
        x = self.post_layernorm(x)
        u = self.head.attention(self.head.probe.expand(len(x), -1, -1), x, x)[0]
        return Output(x, (u + self.head.mlp(self.head.layernorm(u)))[:, 0])


class VitLayer(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        names = ("q_proj", "k_proj", "v_proj", "o_proj")
        self.attention = module(**{name: nn.Linear(WIDTH, WIDTH) for name in names})
        self.layernorm_before, self.layernorm_after = (nn.LayerNorm(WIDTH, eps=1e-12) for _ in range(2))
        self.mlp = Perceptron(hidden)

    def forward(self, hidden_states):
        x, own = self.layernorm_before(hidden_states), self.attention
        hidden_states = hidden_states + own.o_proj(attention(own.q_proj(x), own.k_proj(x), own.v_proj(x)))
        return hidden_states + self.mlp(self.layernorm_after(hidden_states))


class ViTModel(nn.Module):
    """transformers.ViTModel, as of version 5."""

    def __init__(self, depth, hidden, image=16):
        super().__init__()
        self.embeddings = module(patch_embeddings=module(projection=nn.Conv2d(3, WIDTH, PATCH, PATCH)))
        self.embeddings.cls_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.embeddings.position_embeddings = nn.Parameter(torch.zeros(1, 1 + (image // PATCH) ** 2, WIDTH))
        self.layers = nn.ModuleList([VitLayer(hidden) for _ in range(depth)])
        self.layernorm = nn.LayerNorm(WIDTH, eps=1e-12)

    def forward(self, pixel_values):
        x = self.embeddings.patch_embeddings.projection(pixel_values).flatten(2).transpose(1, 2)
        x = torch.cat([self.embeddings.cls_token.expand(len(x), -1, -1), x], dim=1) + self.embeddings.position_embeddings
        for layer in self.layers:
            x = layer(x)
        return Output(self.layernorm(x), None)


class TorchvisionLayer(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.ln_1, self.ln_2 = (nn.LayerNorm(WIDTH, eps=1e-6) for _ in range(2))
        self.self_attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, hidden), nn.GELU(), nn.Identity(), nn.Linear(hidden, WIDTH))

    def forward(self, input):
        x = self.ln_1(input)
        x = input + self.self_attention(x, x, x, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))


class TorchvisionEncoder(nn.Module):
    def __init__(self, depth, hidden, tokens):
        super().__init__()
        self.pos_embedding = nn.Parameter(torch.zeros(1, tokens, WIDTH))
        layers = {f"encoder_layer_{index}": TorchvisionLayer(hidden) for index in range(depth)}
        self.layers = nn.Sequential()
        for name, layer in layers.items():
            self.layers.add_module(name, layer)
        self.ln = nn.LayerNorm(WIDTH, eps=1e-6)

    def forward(self, x):
        return self.ln(self.layers(x + self.pos_embedding))


class TorchvisionVisionTransformer(nn.Module):
    """torchvision.models.VisionTransformer."""

    def __init__(self, depth, hidden, classes, image=16):
        super().__init__()
        self.class_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.conv_proj = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.encoder = TorchvisionEncoder(depth, hidden, 1 + (image // PATCH) ** 2)
        self.heads = nn.Sequential()
        self.heads.add_module("head", nn.Linear(WIDTH, classes))

    def _process_input(self, images):
        return self.conv_proj(images).flatten(2).transpose(1, 2)
