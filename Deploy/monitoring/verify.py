#!/usr/bin/env python3
"""Checks the alert rules with promtool, and the Grafana dashboard: its layout, its queries and its metrics.

    Deploy/monitoring/verify.py [PROMTOOL]

Every metric of a rule or a panel must be one that the aggregator exports, and every one that it exports must be in the
metrics' table of docs/monitoring.md, as every field of the services' log lines must be in the journal's. Prints each
fault and exits with 1 if there is one."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent
METRIC = re.compile(r"\bimpromptu_[a-z_]+\b")
COLUMNS = 24
# Grafana replaces these before it asks Prometheus.
VARIABLES = {"$__rate_interval": "5m", "$instance": ".*"}
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


def exported():
    """The metrics of the aggregator; a histogram gives three series."""
    source = (ROOT / "Sources/Dashboard/Metrics/RunMetrics.swift").read_text()
    names = set(re.findall(r'"(impromptu_[a-z_]+)"', source))
    histograms = set(re.findall(r'Recorder\(label: "(impromptu_[a-z_]+)"', source))
    return names, names | {f"{name}_{part}" for name in histograms for part in ("bucket", "sum", "count")}


def layout_faults(board):
    """Panels with the same number, beyond the grid, or on top of each other."""
    panels = board["panels"]
    numbers = [panel["id"] for panel in panels]
    if len(set(numbers)) != len(numbers):
        yield "two panels have the same id"
    for panel in panels:
        place = panel["gridPos"]
        if not (0 <= place["x"] and 0 < place["w"] and place["x"] + place["w"] <= COLUMNS and place["h"] > 0):
            yield f"panel '{panel['title']}': outside of the grid's {COLUMNS} columns"
        for other in panels:
            there = other["gridPos"]
            if other["id"] < panel["id"] and all(
                    place[start] < there[start] + there[size] and there[start] < place[start] + place[size]
                    for start, size in (("x", "w"), ("y", "h"))):
                yield f"panel '{panel['title']}': lies on '{other['title']}'"


def panel_faults(board):
    """Panels that say too little, or do not ask the data source that the user chooses."""
    for panel in board["panels"]:
        if not panel.get("title") or not panel.get("description") or not panel.get("targets"):
            yield f"panel {panel['id']}: expected a title, a description and targets"
        references = [target["refId"] for target in panel["targets"]]
        if len(set(references)) != len(references):
            yield f"panel '{panel['title']}': two targets have the same refId"
        if any(asked != DATASOURCE for asked in [panel["datasource"], *(t["datasource"] for t in panel["targets"])]):
            yield f"panel '{panel['title']}': expected the data source {DATASOURCE['uid']}"
    names = [variable["name"] for variable in board["templating"]["list"]]
    if names != ["datasource", "instance"]:
        yield f"variables: expected datasource and instance, found {names}"


def queries(board):
    """The panels' queries as Prometheus gets them."""
    for panel in board["panels"]:
        for target in panel["targets"]:
            query = target["expr"]
            for variable, value in VARIABLES.items():
                query = query.replace(variable, value)
            yield panel["title"], query


def syntax_faults(promtool, board):
    """promtool reads queries in rules alone, so each becomes one."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "queries.yaml"
        rules = [{"record": f"panel:{index}", "expr": query} for index, (_, query) in enumerate(queries(board))]
        file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
        checked = subprocess.run([promtool, "check", "rules", file], capture_output=True, text=True)
        if checked.returncode:
            yield "dashboard: " + (checked.stderr or checked.stdout).strip()


def metric_faults(board):
    names, series = exported()
    rules = (FOLDER / "alerts.yaml").read_text()
    asked = {"alerts.yaml": set(METRIC.findall(rules))}
    for title, query in queries(board):
        asked.setdefault(f"panel '{title}'", set()).update(METRIC.findall(query))
    for where, metrics in asked.items():
        for metric in sorted(metrics - series):
            yield f"{where}: the aggregator exports no {metric}"
    described = set(re.findall(r"^\| `(impromptu_[a-z_]+)", (ROOT / "docs/monitoring.md").read_text(), re.MULTILINE))
    for metric in sorted(names - described):
        yield f"docs/monitoring.md: {metric} is missing in the metrics' table"
    for metric in sorted(described - names):
        yield f"docs/monitoring.md: the aggregator exports no {metric}"


# A field's value in a line that is logged, and where a worker chooses the name: a client's data, an endpoint.
FIELD = re.compile(r'"(\w+)":\s*"|details\["(\w+)"\] = "')
CHOSEN = frozenset({"images", "texts", "updates", "prompts"})
SNAKE_CASE = re.compile(r"[a-z]+(_[a-z]+)*")


def field_faults():
    """Every field of the services' log lines is in the journal's table, and the other way round; all are in snake_case."""
    journal = (ROOT / "docs/monitoring.md").read_text().split("## The journal")[1]
    described = {field for row in re.findall(r"^\| (`.*?) \|", journal, re.MULTILINE) for field in re.findall(r"`(\w+)`", row)}
    logged = {}
    for part in ("FederationService", "Dashboard"):
        for source in sorted((ROOT / "Sources" / part).rglob("*.swift")):
            text = source.read_text()
            if re.search(r"\blogger\b|LogLine\(", text):
                logged.update((field, source.name) for found in FIELD.findall(text) for field in found if field)
    for field, source in sorted(logged.items()):
        if not SNAKE_CASE.fullmatch(field):
            yield f"{source}: the log's field {field} is not in snake_case"
        if field not in described:
            yield f"docs/monitoring.md: the field {field}, of {source}, is missing in the journal's table"
    for field in sorted(described - set(logged) - CHOSEN):
        yield f"docs/monitoring.md: no line of the log has the field {field}"


def main():
    promtool = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / ".venv/bin/promtool")
    faults = []
    for arguments in (["check", "rules", "alerts.yaml"], ["test", "rules", "alerts_test.yaml"]):
        ran = subprocess.run([promtool, *arguments], cwd=FOLDER, capture_output=True, text=True)
        if ran.returncode:
            faults.append(f"promtool {' '.join(arguments)}: {(ran.stdout + ran.stderr).strip()}")
    board = json.loads((FOLDER / "grafana.json").read_text())
    faults += [*layout_faults(board), *panel_faults(board), *syntax_faults(promtool, board), *metric_faults(board), *field_faults()]
    alerts = set(re.findall(r"alert: (\w+)", (FOLDER / "alerts.yaml").read_text()))
    tests = (FOLDER / "alerts_test.yaml").read_text()
    faults += [f"alerts_test.yaml: {alert} is not tested to fire" for alert in sorted(alerts) if not re.search(
        rf"alertname: {alert}\n\s+exp_alerts:", tests)]
    for fault in faults:
        print(f"verify: {fault}", file=sys.stderr)
    if not faults:
        print(f"monitoring: {len(alerts)} alerts fire when they must, {len(board['panels'])} panels ask for metrics that exist")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
