#!/usr/bin/env python3
"""Prints as JSON what TensorBoard's reader finds in an event file, and MLflow's file store in a folder.

    read_curves.py tensorboard FOLDER
    read_curves.py mlflow STORE"""

import json
import os
import sys


def tensorboard(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

    accumulator = EventAccumulator(folder, size_guidance={"scalars": 0})
    accumulator.Reload()
    curves = {
        tag: [[event.step, event.wall_time, event.value] for event in accumulator.Scalars(tag)]
        for tag in accumulator.Tags()["scalars"]}
    (file,) = os.listdir(folder)
    events = list(LegacyEventFileLoader(os.path.join(folder, file)).Load())
    values = {value.tag: value for event in events for value in event.summary.value if value.HasField("metadata")}
    start = values["_hparams_/session_start_info"].metadata.plugin_data
    from tensorboard.plugins.hparams import plugin_data_pb2

    session = plugin_data_pb2.HParamsPluginData.FromString(start.content).session_start_info
    return {
        "curves": curves, "parameters": {key: value(of) for key, of in session.hparams.items()},
        "text": values["configuration"].tensor.string_val[0].decode()}


def value(of):
    found = getattr(of, of.WhichOneof("kind"))
    return found if isinstance(found, str) else json.dumps(found)


def mlflow(store):
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    from mlflow.store.tracking.file_store import FileStore

    store = FileStore(store)
    (experiment,) = store.search_experiments(filter_string="name = 'impromptu'")
    (run,) = store.search_runs([experiment.experiment_id], "", 1)
    history = {
        name: [[m.step, m.timestamp, m.value] for m in store.get_metric_history(run.info.run_id, name)]
        for name in run.data.metrics}
    return {
        "curves": history, "parameters": run.data.params, "name": run.info.run_name, "status": run.info.status,
        "begin": run.info.start_time, "end": run.info.end_time}


kind, path = sys.argv[1:]
json.dump({"tensorboard": tensorboard, "mlflow": mlflow}[kind](path), sys.stdout)
