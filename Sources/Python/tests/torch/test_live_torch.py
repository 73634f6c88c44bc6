"""Clients of PyTorch, and the examples, in a federation of the real program."""

import dataclasses
import pathlib

import numpy as np
import pytest
import torch
from live import crash, needs_binary, wait_for
from PIL import Image
from vectors import WORDS, Vectors, encoder_folder

import impromptu
from impromptu.torch import PromptedViT, VisionTransformer

pytestmark = [pytest.mark.live, needs_binary]

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
CLASSES = ("bag", "coat", "dress")

CLIENT = """
import logging, sys, time, torch, impromptu
from impromptu.torch import PromptedViT, Samples, TorchClient, VisionTransformer
logging.basicConfig(level=logging.INFO, stream=sys.stdout)
run, name, encoder, keys, outbox = sys.argv[1:]
torch.manual_seed(1)
print("ready", flush=True)
description = impromptu.ModelDescription.of_run(run)
size, classes = description.image.size, len(description.classes)
images, labels = torch.randn(20, 3, size, size), torch.arange(20) % classes
client = TorchClient(PromptedViT(VisionTransformer.load(encoder, description), description), (images, labels),
                     held_out=(images[:5], labels[:5]))
with client.join(run, name, keys=keys or None, outbox=outbox) as federation:
    for task in federation:
        time.sleep(0.1)
        client.train(task)
        if task.is_answered:
            print("sent", task.number, flush=True)
print("the run has finished", flush=True)
"""


@pytest.fixture
def federation(make_federation, tmp_path):
    """Makes federations around a small encoder."""

    def make(settings=(), family="vit", **options):
        folder = encoder_folder(tmp_path / "encoder", Vectors(family))
        own = [f"encoder.path={folder}", f"encoder.family={family}", "head.hidden=0", *settings]
        return make_federation(settings=own, **options)

    return make


def torch_client(federation, name):
    file = federation.folder / "client.py"
    file.write_text(CLIENT)
    place = [federation.run, name, federation.folder / "encoder", federation.keys or "", federation.folder / "torch-outbox"]
    return federation.script(name, file, *place)


def draw_images(folder, count):
    rng = np.random.default_rng(5)
    for label, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for place in range(count):
            pixels = rng.integers(0, 120, (20, 24, 3)).astype(np.uint8)
            pixels[:, 6 * label : 6 * label + 6] += 100
            Image.fromarray(pixels).save(folder / name / f"{place}.{'png' if place % 2 else 'jpg'}")


def write_table(file, count):
    """Texts of two classes, each with words of its own and some that both have."""
    rng = np.random.default_rng(count)
    file.parent.mkdir(exist_ok=True)
    with file.open("w") as stream:
        stream.write("text,label\n")
        for row in range(count):
            own = WORDS[:3] if row % 2 else WORDS[3:6]
            words = [*rng.choice(own, 2), *rng.choice(WORDS[6:9], rng.integers(0, 5))]
            stream.write(f"\"{', '.join(words)}\",{'complaint' if row % 2 else 'question'}\n")
    return file


def run_example(federation, name, *arguments, **options):
    running = federation(updates=4, **options)
    aggregator = running.aggregator()
    client = running.script("clinic-1", EXAMPLES / name, running.run, "clinic-1", running.folder / "encoder", *arguments)
    assert running.exit_codes(aggregator, client) == [0, 0], running.log("clinic-1") + running.log("aggregator")
    return running


def test_the_example_with_a_folder_of_images(federation, tmp_path):
    draw_images(tmp_path / "images", 6)
    draw_images(tmp_path / "held-out", 2)
    running = run_example(federation, "torch_images.py", tmp_path / "images", tmp_path / "held-out")
    entry = running.inspected()["clinic-1"]
    assert entry["updatesUsed"] == 4 and entry["rejected"] == 0
    assert "the run has finished" in running.log("clinic-1")


def test_the_example_with_a_table_of_texts(federation, tmp_path):
    write_table(tmp_path / "bank" / "train.csv", 240)
    write_table(tmp_path / "bank" / "test.csv", 60)
    settings = [f"data.path={tmp_path}", "data.dataset=texts:bank", "evaluation.client_versions=1"]
    own = [write_table(tmp_path / "own.csv", 20), write_table(tmp_path / "held-out.csv", 8)]
    running = run_example(federation, "torch_texts.py", *own, family="bert", settings=settings)
    entry = running.inspected()["clinic-1"]
    assert entry["updatesUsed"] == 4 and entry["rejected"] == 0 and entry["evaluation"]["total"] == [4, 4]
    assert "the run has finished" in running.log("clinic-1")


@pytest.mark.parametrize("name", ["existing_loop.py", "numpy_head.py"])
def test_the_other_examples(federation, name):
    running = run_example(federation, name)
    assert running.inspected()["clinic-1"]["updatesUsed"] == 4
    losses = [float(line.split()[-1]) for line in running.log("clinic-1").splitlines() if ": loss" in line]
    assert losses[-1] < losses[0]


def test_the_existing_loop_takes_part_by_five_lines():
    lines = (EXAMPLES / "existing_loop.py").read_text().splitlines()
    assert len([line for line in lines if line.endswith("# +")]) <= 5


def test_two_workers_and_two_clients_of_pytorch_with_keys_through_three_kills(federation):
    running = federation(updates=0, keys=True)
    names = ("clinic-1", "clinic-2")
    running.make_keys(names)
    aggregator = running.aggregator()
    workers = [running.worker(0), running.worker(1)]
    clients = {name: torch_client(running, name) for name in names}
    wait_for(lambda: len(running.sent_by("clinic-1")) >= 2, "two updates of clinic-1")
    crash(clients["clinic-1"])
    crash(aggregator)
    clients["clinic-1"] = torch_client(running, "clinic-1")
    aggregator = running.aggregator()
    crash(workers[0])
    workers[0] = running.worker(0)
    before = len(running.sent_by("clinic-1"))
    wait_for(lambda: len(running.sent_by("clinic-1")) > before, "clinic-1 being back")
    running.finish_soon(clients=6)
    codes = running.exit_codes(aggregator, *workers, *clients.values())
    assert codes == [0] * 5, running.log("clinic-1") + running.log("aggregator")
    entries = running.inspected()
    assert len(entries) == 6
    for name in names:
        entry, sent = entries[name], running.sent_by(name)
        # What was on the disk counts, once: but for one that the end of the run came before, and one that a kill kept
        # from being printed.
        assert len(sent) == len(set(sent))
        assert running.rejections(name) <= {"finished: the run has ended"}
        assert len(sent) - 1 <= entry["updatesUsed"] <= len(sent) + 1, (entry, sent)
    assert list((running.folder / "torch-outbox").glob("*/*.update")) == []


@pytest.mark.parametrize("settings", [["strategy.name=fedavg", "strategy.head=closed"], ["strategy.name=fedcof"],
                                      ["strategy.name=scaffold"], ["head.personal=true"]])  # fmt: skip
def test_what_a_strategy_asks_of_clients_is_done(federation, settings):
    # Rounds of all three: a client of PyTorch that starts late must not find the run at its end.
    rounds = ["federation.clients_to_start=3", "federation.mode=synchronous", "federation.cohort=3"]
    running = federation(updates=6, settings=[*settings, *rounds])
    aggregator = running.aggregator()
    worker, client = running.worker(0), torch_client(running, "clinic-1")
    assert running.exit_codes(aggregator, worker, client) == [0, 0, 0], running.log("clinic-1") + running.log("aggregator")
    entry = running.inspected()["clinic-1"]
    assert entry["updatesUsed"] >= 1 and entry["rejected"] == 0, running.log("aggregator")


def test_orders_to_evaluate_are_answered(federation):
    running = federation(updates=6, settings=["evaluation.client_versions=2"])
    aggregator, client = running.aggregator(), torch_client(running, "clinic-1")
    assert running.exit_codes(aggregator, client) == [0, 0], running.log("clinic-1")
    inspection = running.inspection()
    found = inspection["clients"][0]["evaluation"]
    last = inspection["versions"][-1]["version"]
    assert found["heldOut"] == 5 and found["total"][:5] == [1] * 5 and found["version"] == last
    assert running.log("aggregator").count("evaluated by a client") >= 1


def test_another_model_is_refused_by_the_name_of_the_field(federation, tmp_path):
    running = federation(updates=2)
    running.aggregator()
    own = impromptu.ModelDescription.of_run(running.run)
    assert own.specification().fields["classes"] == "10"
    classes = tuple(reversed(own.classes))
    other = dataclasses.replace(own, classes=classes)
    with pytest.raises(impromptu.ModelMismatch, match=r"classes\[0\]: expected"):
        impromptu.join(running.run, "a", samples=5, model=other).next_task(30)
    weights = encoder_folder(tmp_path / "other", Vectors("deit"))
    with pytest.raises(impromptu.ModelError, match="expected the encoder with digest"):
        VisionTransformer.load(weights, own)
    with pytest.raises(impromptu.ModelMismatch, match=r"encoder.digest: expected"):
        impromptu.join(running.run, "b", samples=5, model=own.with_weights(weights)).next_task(30)
    with impromptu.join(running.run, "a", samples=5, model=own.with_weights(tmp_path / "encoder")) as client:
        assert client.next_task(30) is not None


def test_the_model_that_a_run_leaves_is_that_of_its_file(federation, tmp_path):
    running = run_example(federation, "numpy_head.py")
    folder = running.folder / "encoder"
    model = PromptedViT.load(running.run, folder)
    numpy = impromptu.PromptedModel.load(running.run, folder)
    assert isinstance(model.encoder, VisionTransformer)
    images = np.random.default_rng(2).integers(0, 256, (5, 30, 20, 3)).astype(np.uint8)
    with torch.no_grad():
        found = model(torch.stack([model.prepare(image) for image in images]))
    assert np.allclose(found.numpy(), numpy.predict(images).logits, atol=1e-4)
