#!/usr/bin/env python3
"""Builds the stages of the Containerfile that hold the program, by buildah, and runs a federation in containers: an
aggregator and two workers with keys, first by podman alone, then by the pod templates of Deploy/kubernetes.

Usage: in_containers.py TARBALL       needs root, and what 'Deploy/setup --deploy' installs

Not tried here: the stage that compiles, whose image of Swift comes from a registry (the tarball takes its place); what podman
lacks: mounts of a Secret's parts; and what needs a cluster: the controllers of StatefulSet and Job, services, network
policies, probes of readiness."""

import contextlib
import json
import os
import pathlib
import re
import sys
import tempfile

import yaml

from machine import base, run
from steps import Failure, eventually, expect, say

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCRATCH = ROOT / ".build-deploy"
BASE = "localhost/debian:12-slim"
IMAGE = "localhost/impromptu-demo:0.1.0"
CONFIGURATION = """
run: {seed: 5, updates: 40}
federation: {mode: buffered, buffer_size: 4, flush_after_seconds: 5, beacon_seconds: 0.5, heartbeat_seconds: 1,
             lease_seconds: 10}
prompts: {pool: 6}
encoder: {image_size: 16}
training: {maximum_steps: 1, batch_size: 8, prompts_per_batch: 3}
data: {dataset: fashion-mnist, clients: 6, training_samples: 300, validation_samples: 50, minimum_samples: 8}
evaluation: {interval_seconds: 0}
worker: {delay: constant, delay_seconds: 0.5, grace_seconds: 5}
"""
# Without a limit of their own, containers ask for more than root of a virtual machine may give.
CONTAINERS = '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]\n'
ADDRESSES = {"IMPROMPTU_ENDPOINTS__UPDATES": "tcp://127.0.0.1:5601", "IMPROMPTU_ENDPOINTS__PROMPTS": "tcp://127.0.0.1:5602"}
USER = 10001
# Images and containers of these tests alone, whatever else this machine runs.
STORAGE = ["--root", str(SCRATCH / "storage"), "--runroot", str(SCRATCH / "storage-run")]


def import_base():
    """Debian's image, made by debootstrap."""
    archive = SCRATCH / "base.tar"
    run("tar", "--create", "--file", archive, "--directory", base(SCRATCH), ".")
    podman("import", "--change", "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", archive, BASE)
    archive.unlink()


def build(tarball, folder):
    """The Containerfile with the tarball where it would compile."""
    text = (ROOT / "Deploy/container/Containerfile").read_text()
    stages = re.split(r"(?m)^(?=FROM )", text)
    kept = [stage for stage in stages if not re.match(r"FROM \S+ AS build\b", stage)]
    expect(len(kept) == len(stages) - 1, "the Containerfile has one stage that compiles")
    release = "FROM scratch AS build\nCOPY impromptu /impromptu\n\n"
    (folder / "impromptu").mkdir()
    run("tar", "--extract", "--file", tarball, "--directory", folder / "impromptu", "--strip-components=1")
    (folder / "Containerfile").write_text(kept[0] + release + "".join(kept[1:]))
    run("buildah", *STORAGE, "bud", "--isolation", "chroot", "--build-arg", f"BASE={BASE}", "--target", "demo", "--tag", IMAGE,
        "--file", folder / "Containerfile", folder)
    say(f"buildah has built {IMAGE}")


def podman(*arguments, **options):
    return run("podman", *STORAGE, "--runtime", "runc", *arguments, **options)


def ended_well(name):
    words = podman("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", name).stdout.split()
    if words[0] == "exited" and words[1] != "0":
        raise Failure(f"{name} ended with {words[1]}: {podman('logs', name).stdout[-1500:]}")
    return words[0] == "exited"


def judge(run_folder, name):
    replay = podman("run", "--rm", "--network=none", "--volume", f"{run_folder}:/run-folder:ro", IMAGE, "replay", "/run-folder").stdout
    expect("every digest equal" in replay, f"{name}: {replay.strip().splitlines()[-1]}")


def with_podman(folder):
    """The same options as in the compose file, on the network of this machine's loopback."""
    state = folder / "state"
    state.mkdir()
    os.chown(state, USER, USER)
    (folder / "run.yaml").write_text(CONFIGURATION)
    common = ["--network=host", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--tmpfs=/tmp",
              "--volume", f"{folder}/run.yaml:/etc/impromptu/run.yaml:ro", "--volume", f"{state}:/var/lib/impromptu",
              "--env", "IMPROMPTU_SECURITY__KEYS=/var/lib/impromptu/keys",
              *(f"--env={name}={value}" for name, value in ADDRESSES.items())]
    podman("run", "--rm", *common, IMAGE, "keys", "make", "--keys", "/var/lib/impromptu/keys", "--config", "/etc/impromptu/run.yaml",
           "--workers", "2")
    podman("run", "--detach", "--name", "aggregator", *common, IMAGE, "aggregate", "/var/lib/impromptu/run",
           "--config=/etc/impromptu/run.yaml", "--quiet", "--health=/tmp/health")
    for index in range(2):
        podman("run", "--detach", "--name", f"worker-{index}", *common, IMAGE, "work", "--config=/etc/impromptu/run.yaml",
               f"--index={index}", "--workers=2", f"--set=worker.outbox=/var/lib/impromptu/outbox-{index}", "--health=/tmp/health")
    eventually(30, "the aggregator's health is well, as its probe sees it", lambda: podman(
        "exec", "aggregator", "impromptu", "status", "--health=/tmp/health", "--timeout=60s", "--quiet", check=False).returncode == 0)
    eventually(180, "the run ends in containers", lambda: all(
        [ended_well(name) for name in ["aggregator", "worker-0", "worker-1"]]))
    podman("rm", "aggregator", "worker-0", "worker-1")
    judge(state / "run", "podman run")


# Kubernetes

def kustomized():
    text = run(ROOT / ".venv/bin/kubectl", "kustomize", ROOT / "Deploy/kubernetes/overlays/local").stdout
    return [document for document in yaml.safe_load_all(text) if document]


def resource(documents, kind):
    return next(document for document in documents if document["kind"] == kind)


def pod(name, template, keys, changes):
    """A pod of a template. What a controller would fill in is filled in here, and what this podman lacks is replaced."""
    spec = json.loads(json.dumps(template["spec"]))
    container = spec["containers"][0]
    changes(spec, container)
    spec["restartPolicy"] = "Never"
    spec.pop("topologySpreadConstraints", None)
    container["image"] = IMAGE
    # On the machine's own network there is nothing to map.
    container.pop("ports", None)
    for variable in container["env"]:
        if variable["name"] in ADDRESSES:
            variable["value"] = ADDRESSES[variable["name"]]
    # It mounts neither a Secret's parts nor under other names: a folder with the files that the Secret's mounts would show.
    # They belong to root and are lent to the program's group, as a Secret's are.
    keys.chmod(0o750)
    for path in [keys, *keys.iterdir()]:
        os.chown(path, 0, USER)
    container["volumeMounts"] = [mount for mount in container["volumeMounts"] if mount["name"] != "keys"]
    container["volumeMounts"].append({"name": "keys", "mountPath": "/etc/impromptu/keys", "readOnly": True})
    spec["volumes"] = [volume for volume in spec["volumes"] if volume["name"] != "keys"]
    spec["volumes"].append({"name": "keys", "hostPath": {"path": str(keys), "type": "Directory"}})
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def chosen_keys(folder, name, files):
    """A folder with some of the keys, by the names that they have in it."""
    chosen = folder / name
    chosen.mkdir()
    for file, source in files.items():
        (chosen / file).write_bytes((folder / "keys" / source).read_bytes())
        (chosen / file).chmod(0o440)
    return chosen


def aggregator_pod(documents, folder):
    stateful = resource(documents, "StatefulSet")["spec"]
    secret = next(volume["secret"] for volume in stateful["template"]["spec"]["volumes"] if "secret" in volume)
    keys = chosen_keys(folder, "aggregator", {item["path"]: item["key"] for item in secret["items"]})

    def change(spec, container):
        # A StatefulSet claims the volume for its pod, which stays for ever; here the run's end is to be seen.
        claim = stateful["volumeClaimTemplates"][0]["metadata"]["name"]
        spec["volumes"].append({"name": claim, "persistentVolumeClaim": {"claimName": "impromptu-run"}})
        container["args"].remove("--keep-running")

    return pod("impromptu-aggregator", stateful["template"], keys, change)


def worker_pod(documents, folder, index, count):
    job = resource(documents, "Job")["spec"]
    place = str(index)

    def filled(text):
        return text.replace("$(WORKER_INDEX)", place)

    mounts = job["template"]["spec"]["containers"][0]["volumeMounts"]
    keys = chosen_keys(folder, f"worker-{place}", {
        pathlib.PurePath(mount["mountPath"]).name: filled(mount.get("subPathExpr") or mount["subPath"])
        for mount in mounts if mount["name"] == "keys"})

    def change(spec, container):
        container["args"] = [filled(re.sub(r"^--workers=.*", f"--workers={count}", argument)) for argument in container["args"]]
        container["env"] = [variable for variable in container["env"] if variable["name"] != "WORKER_INDEX"]

    return pod(f"impromptu-worker-{place}", job["template"], keys, change)


def play(folder, name, *documents):
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump_all(documents))
    podman("kube", "play", "--network=host", file)


def with_kubernetes(folder):
    """The pod templates of the overlay for one machine, with its ConfigMap's configuration made small."""
    documents = kustomized()
    settings = resource(documents, "ConfigMap")
    settings["data"]["run.yaml"] = CONFIGURATION
    settings["metadata"].pop("namespace", None)
    (folder / "run.yaml").write_text(CONFIGURATION)
    podman("run", "--rm", "--network=none", "--user=0", "--volume", f"{folder}:/keys-here", IMAGE, "keys",
           "make", "--keys", "/keys-here/keys", "--config", "/keys-here/run.yaml", "--workers", "2", "--name", "observer")
    # A claim by hand: a StatefulSet makes its own.
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "impromptu-run"},
             "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
    play(folder, "aggregator-pod", settings, claim, aggregator_pod(documents, folder))
    for index in range(2):
        play(folder, f"worker-{index}-pod", settings, worker_pod(documents, folder, index, 2))
    names = ["impromptu-aggregator-aggregator", "impromptu-worker-0-worker", "impromptu-worker-1-worker"]
    eventually(240, "the run ends in pods", lambda: all([ended_well(name) for name in names]))
    mount = podman("volume", "inspect", "--format", "{{.Mountpoint}}", "impromptu-run").stdout.strip()
    judge(f"{mount}/run", "podman kube play")


def clean():
    podman("pod", "rm", "--all", "--force", check=False)
    podman("rm", "--all", "--force", check=False)
    podman("volume", "rm", "--all", "--force", check=False)
    podman("rmi", "--all", "--force", check=False)


def main():
    tarball = pathlib.Path(sys.argv[1]).resolve()
    SCRATCH.mkdir(exist_ok=True)
    (SCRATCH / "containers.conf").write_text(CONTAINERS)
    os.environ["CONTAINERS_CONF"] = str(SCRATCH / "containers.conf")
    with contextlib.ExitStack() as stack:
        folders = [pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(dir=SCRATCH))) for _ in range(3)]
        stack.callback(clean)
        try:
            import_base()
            build(tarball, folders[0])
            with_podman(folders[1])
            with_kubernetes(folders[2])
        except Failure as failure:
            print(f"in_containers: {failure}", file=sys.stderr)
            return 1
    print("in_containers: both runs ended and replay")
    return 0


if __name__ == "__main__":
    sys.exit(main())
