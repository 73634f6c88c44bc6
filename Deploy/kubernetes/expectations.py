"""What must hold in a built kustomization beyond the schemas. Prints each finding and exits 1 if there is one.

usage: expectations.py FILE.yaml [PROGRAM]

Pods run without privileges, on a read-only root, with probes and with memory limits; probes, hooks and volumes name what
is there; and the program takes the configuration that its environment and ConfigMap give it."""

import os
import subprocess
import sys
import tempfile

import yaml

findings = []


def find(where, what):
    findings.append(f"{where}: {what}")


def pods(documents):
    for document in documents:
        if document["kind"] in {"StatefulSet", "Deployment", "Job"}:
            yield f"{document['kind']}/{document['metadata']['name']}", document["spec"]


def check_pod(where, spec):
    pod = spec["template"]["spec"]
    security = pod["securityContext"]
    if not security.get("runAsNonRoot") or security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        find(where, "expected a user other than root and the default seccomp profile")
    if pod.get("automountServiceAccountToken", True) or pod.get("enableServiceLinks", True):
        find(where, "expected neither a token nor variables of services, whose names could be taken for configuration")
    volumes = {volume["name"] for volume in pod["volumes"]}
    volumes |= {claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates", [])}
    for volume in pod["volumes"]:
        mode = volume.get("secret", {}).get("defaultMode", 0o440)
        if mode & 0o037:
            find(where, f"secret {volume['name']}: the program refuses a key that others may read, found {mode:o}")
    for container in pod["containers"]:
        check_container(f"{where}/{container['name']}", container, volumes)


def check_container(where, container, volumes):
    security = container["securityContext"]
    if (not security.get("readOnlyRootFilesystem") or security.get("allowPrivilegeEscalation", True)
            or security.get("capabilities", {}).get("drop") != ["ALL"]):
        find(where, "expected a read-only root, no escalation and no capability")
    if "memory" not in container["resources"].get("limits", {}):
        find(where, "expected a limit of memory")
    for mount in container["volumeMounts"]:
        if mount["name"] not in volumes:
            find(where, f"mounts the volume {mount['name']}, which is not there")
    health = next((a for a in container["args"] if a.startswith("--health=")), None)
    for probe in ["startupProbe", "livenessProbe"]:
        if health not in container[probe]["exec"]["command"]:
            find(where, f"{probe}: expected it to read {health}")
    verb, run = container["args"][:2]
    if verb == "aggregate" and run not in container["lifecycle"]["preStop"]["exec"]["command"]:
        find(where, f"preStop: expected it to drain {run}")


def check_configuration(where, spec, documents, program):
    """The program reads the run's file below the container's environment, as it would there."""
    maps = {d["metadata"]["name"]: d["data"] for d in documents if d["kind"] == "ConfigMap"}
    if "impromptu-run" not in maps:
        return
    container = spec["template"]["spec"]["containers"][0]
    environment = {e["name"]: e["value"] for e in container["env"] if e["name"].startswith("IMPROMPTU_")}
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(maps["impromptu-run"]["run.yaml"])
        file.flush()
        result = subprocess.run(
            [program, "config", "check", "--config", file.name], text=True, capture_output=True,
            env={"PATH": os.environ["PATH"], **environment})
    if result.returncode != 0:
        find(where, f"the program refuses its configuration: {result.stderr.strip()}")


with open(sys.argv[1]) as file:
    documents = [d for d in yaml.safe_load_all(file) if d]
for where, spec in pods(documents):
    check_pod(where, spec)
    if len(sys.argv) > 2:
        check_configuration(where, spec, documents, sys.argv[2])
print("\n".join(findings), end="\n" if findings else "")
sys.exit(1 if findings else 0)
