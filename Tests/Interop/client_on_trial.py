#!/usr/bin/env python3
"""A small client that keeps to docs/wire-and-log.md, but for one fault that is planted on demand.

    client_on_trial.py UPDATES PROMPTS OUTBOX [--fault NAME] [--training SECONDS] [--held-out COUNT]
                       [--secret FILE --server FILE]

OUTBOX keeps updates over restarts. The training is a stub that adds noise. `--faults` lists the faults."""

import argparse
import pathlib
import re
import secrets
import sys
import time

import numpy as np
import zmq

root = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / "Sources/Python/impromptu/wire"))
import impromptu_pb2 as pb  # noqa: E402

NAME, WIDTH = "on-trial", 8
MODEL = pb.ModelSpecification(digest="ab12", fields=[pb.ModelField(name=f"classes[{i}]", value=f"{i}") for i in range(3)])


class Client:
    def __init__(self, options):
        self.fault, self.options = options.fault, options
        self.outbox = pathlib.Path(options.outbox)
        self.outbox.mkdir(parents=True, exist_ok=True)
        self.session = self.new_session()
        self.hellos = 0
        self.origin, self.welcomed, self.dtype = None, False, pb.DATA_TYPE_F32
        self.interval = 2.0
        self.forget_run()
        self.hello_at, self.hello_delay, self.beat_at = 0.0, 0.2, 0.0
        self.resend_at, self.resend_delay = 0.0, 1.0
        self.ended = False
        self.context = zmq.Context()
        self.push, self.sub = self.context.socket(zmq.PUSH), self.context.socket(zmq.SUB)
        if options.secret:
            secret = pathlib.Path(options.secret).read_bytes().strip()
            server = pathlib.Path(options.server).read_bytes().strip()
            for socket in (self.push, self.sub):
                socket.curve_publickey = zmq.curve_public(secret)
                socket.curve_secretkey, socket.curve_serverkey = secret, server
        topics = {"subscribes-to-all": [b""], "topic-without-slash": [b"g", f"c/{NAME}".encode()]}
        for topic in topics.get(self.fault, [b"g", f"c/{NAME}/".encode()]):
            self.sub.subscribe(topic)
        self.push.connect(options.updates)
        self.sub.connect(options.prompts)

    def is_(self, fault):
        """Whether this fault is planted. `--faults` finds them by their calls."""
        return self.fault == fault

    def new_session(self):
        if self.is_("same-session-again"):
            file = self.outbox / "session"
            if not file.exists():
                file.write_text(str(secrets.randbits(64)))
            return int(file.read_text())
        return secrets.randbits(64)

    def forget_run(self):
        self.version, self.state, self.ids = -1, {}, []
        self.task, self.training, self.last_task, self.failure = None, None, 0, None

    # ---- Sending ----

    def send(self, **body):
        protocol = 3 if self.is_("protocol-3") and "heartbeat" in body else 2
        frames = [pb.ClientEnvelope(protocol=protocol, **body).SerializeToString()]
        if self.is_("two-frames") and "heartbeat" in body:
            frames.append(b"")
        self.push.send_multipart(frames)

    @property
    def me(self):
        return dict(client=NAME, session=self.session)

    def say_hello(self, now):
        self.hellos += 1
        model = pb.ModelSpecification()
        model.CopyFrom(MODEL)
        if self.is_("field-twice"):
            model.fields.append(model.fields[0])
        if self.is_("digest-missing"):
            model.digest = ""
        samples = 10 + self.hellos if self.is_("hello-changes") else 10
        self.send(hello=pb.Hello(**self.me, sample_count=samples, model=model, held_out_count=self.options.held_out))
        if self.is_("speaks-before-welcome"):
            self.beat(now)
        self.hello_at = now + self.hello_delay
        if not self.is_("hello-steady"):
            self.hello_delay = min(5, self.hello_delay * 2)
        if self.is_("hello-once"):
            self.hello_at = float("inf")

    def beat(self, now):
        if self.failure and not self.is_("failure-once"):
            self.send(failure=pb.Failure(**self.me, task=self.failure[0], reason=self.failure[1]))
        activity = pb.ACTIVITY_TRAINING if self.training else pb.ACTIVITY_WAITING if self.task else pb.ACTIVITY_IDLE
        if self.is_("always-idle"):
            activity = pb.ACTIVITY_IDLE
        name = "somebody" if self.is_("other-name") else NAME
        self.send(heartbeat=pb.Heartbeat(
            client=name, session=self.session, activity=activity,
            task=0 if self.is_("task-untold") else self.last_task,
            outstanding=0 if self.is_("outstanding-untold") else len(self.kept())))
        if self.task and not self.training and not self.is_("fetch-once"):
            self.fetch()
        self.beat_at = now + self.interval * (6 if self.is_("heartbeats-rare") else 1)

    def fetch(self):
        if not self.is_("fetch-never"):
            self.send(fetch=pb.Fetch(**self.me, holding=-1 if self.is_("holding-untold") else self.version))

    # ---- Updates ----

    def file(self, run, task):
        return self.outbox / f"{run}-{task}.update"

    def kept(self):
        """The updates for the present run."""
        run = "*" if self.is_("sends-to-other-run") else self.origin[0] if self.origin else "none"
        found = [pb.Update.FromString(file.read_bytes()) for file in sorted(self.outbox.glob(f"{run}-*.update"))]
        if self.is_("kept-in-memory"):
            found = [update for update in found if update.session == self.session]
        return found

    def drop(self, run, task):
        if not self.is_("resends-forever"):
            self.file(run, task).unlink(missing_ok=True)

    def resend(self, now):
        if self.is_("update-once"):
            return
        for update in self.kept():
            if self.is_("takes-over-session"):
                update.session = self.session
            self.send(update=update)
        self.resend_at = now + self.resend_delay
        if not self.is_("resend-steady"):
            self.resend_delay = min(30, self.resend_delay * 2)

    def train_if_possible(self, now):
        if self.training or not self.task:
            return
        if self.version < self.task.version and not self.is_("trains-on-old-state"):
            return
        if not self.state:
            return
        if self.is_("blocks-while-training"):
            time.sleep(self.options.training)
        self.training = (self.task, self.version, self.state, list(self.ids), now + self.options.training)
        self.task = None

    def finish_training(self, now):
        task, base, state, ids, _ = self.training
        self.training = None
        if state["prompts"].shape[1] != WIDTH:
            reason = f"expected prompts of width {WIDTH}, found {state['prompts'].shape[1]}"
            if self.is_("fails-silently"):
                return
            self.failure = (task.number, reason)
            self.beat_at = now
            if self.is_("failure-once"):
                self.send(failure=pb.Failure(**self.me, task=task.number, reason=reason))
            return
        tuned = {name: array + np.random.normal(scale=0.01, size=array.shape) for name, array in state.items()
                 if not name.startswith("fixed.") or self.is_("sends-fixed")}
        if self.is_("leaves-bias-out"):
            del tuned["head.bias"]
        if self.is_("wrong-shape"):
            tuned["head.weight"] = tuned["head.weight"].T
        if self.is_("not-finite"):
            tuned["head.bias"] = tuned["head.bias"] * np.nan
        if self.is_("unknown-prompts"):
            ids = [identity + 1000 for identity in ids]
        f16 = self.dtype == pb.DATA_TYPE_F16 and not self.is_("always-float32")
        dtype, kind = (pb.DATA_TYPE_F16, "<f2") if f16 else (pb.DATA_TYPE_F32, "<f4")
        update = pb.Update(
            client=NAME, session=self.session ^ 1 if self.is_("wrong-session") else self.session, run=self.origin[0],
            task=task.number, base_version=base + 50 if self.is_("unpublished-base") else base,
            sample_count=0 if self.is_("no-samples") else 10, prompt_ids=ids,
            tensors=[pb.Tensor(name=name, dtype=dtype, shape=array.shape, data=array.astype(kind).tobytes())
                     for name, array in sorted(tuned.items())],
            metrics=[pb.Metric(name="loss", value=1)])
        self.file(self.origin[0], task.number).write_bytes(update.SerializeToString())
        if self.welcomed:
            self.send(update=update)
        self.resend_delay = 1.0
        self.resend_at = now + self.resend_delay
        self.resend_delay *= 1 if self.is_("resend-steady") else 2

    # ---- Hearing ----

    def hear(self, frames, now):
        if self.is_("takes-any-frames"):
            frames = [frames[0], frames[-1]]
        if len(frames) != 2:
            return
        try:
            message = pb.AggregatorEnvelope.FromString(frames[1])
        except Exception:
            if self.is_("dies-of-noise"):
                raise
            return
        if message.protocol != 2 and not self.is_("takes-any-protocol"):
            return
        origin, kind = (message.run, message.epoch), message.WhichOneof("body")
        if self.origin and origin[0] == self.origin[0] and origin[1] < self.origin[1]:
            if not self.is_("hears-earlier-epochs"):
                return
            origin = self.origin
        body = getattr(message, kind)
        if kind == "beacon" and body.phase == pb.PHASE_FINISHED:
            self.finish_run(origin)
        elif kind == "refuse":
            if (body.session == self.session or self.is_("hears-foreign-refuse")) and not self.is_("refuse-ignored"):
                self.ended = True
        elif kind == "welcome":
            self.join(body, origin, now)
        elif origin != self.origin:
            if self.is_("hears-other-runs") and kind == "ack":
                self.drop(self.origin[0], body.task)
            if self.welcomed and not self.is_("greets-no-epoch"):
                self.greet(now)
        elif kind == "say_hello":
            if body.session == self.session and not self.is_("says-hello-never") or self.is_("says-hello-to-any"):
                self.greet(now)
        else:
            self.act(kind, body, now)

    def act(self, kind, body, now):
        if kind == "task":
            self.take_task(body, now)
        elif kind == "prompts":
            self.take_prompts(body, now)
        elif kind == "ack":
            if self.is_("any-ack-settles"):
                for update in self.kept():
                    self.drop(update.run, update.task)
            self.drop(self.origin[0], body.task)
        elif kind == "reject":
            if self.is_("reject-ignored"):
                return
            if body.code != pb.REJECT_CODE_OTHER_RUN or self.is_("drops-for-other-run"):
                self.drop(self.origin[0], body.task)
        elif kind == "evaluate":
            if bool(self.options.held_out) != self.is_("evaluates-wrongly"):
                version = self.version - 1 if self.is_("evaluates-old") else self.version
                count = self.options.held_out or 3
                total = [count, 0, 0] if not self.is_("evaluates-few") else [1, 0, 0]
                self.send(evaluation=pb.Evaluation(
                    **self.me, version=max(0, version), loss=1.0, total=total, correct=[total[0], 0, 0]))

    def greet(self, now):
        self.welcomed, self.hello_at, self.hello_delay = False, now, 0.2

    def join(self, welcome, origin, now):
        if welcome.session != self.session and not self.is_("takes-foreign-welcome"):
            return
        if self.origin and self.origin[0] != origin[0] and not self.is_("remembers-run"):
            if self.is_("drops-other-runs"):
                for file in self.outbox.glob("*.update"):
                    file.unlink()
            self.forget_run()
        if self.is_("loses-at-restart") and self.origin and self.origin[0] == origin[0] and self.origin != origin:
            for update in self.kept():
                self.drop(update.run, update.task)
        self.origin, self.welcomed, self.dtype = origin, True, welcome.dtype
        if self.version > welcome.version and not self.is_("remembers-run"):
            self.version, self.state = -1, {}
        self.interval = welcome.heartbeat_milliseconds / 1000
        self.beat_at = now + self.interval if self.is_("welcome-unanswered") else now
        self.resend_delay, self.resend_at = 1.0, now

    def finish_run(self, origin):
        if self.origin and self.origin[0] != origin[0] and not self.is_("any-end-ends"):
            return
        if self.is_("end-ignored"):
            return
        if not self.is_("keeps-after-end"):
            for file in self.outbox.glob(f"{origin[0]}-*.update"):
                file.unlink()
        if not self.is_("leaves-silently"):
            self.send(goodbye=pb.Goodbye(**self.me))
        if self.is_("speaks-after-goodbye"):
            time.sleep(0.7)
            self.beat(time.monotonic())
        self.ended = True

    def take_task(self, task, now):
        if task.session != self.session and not self.is_("takes-foreign-task"):
            return
        if task.number <= self.last_task and not self.is_("trains-again"):
            return
        self.last_task = max(self.last_task, task.number) if not self.is_("trains-again") else task.number
        if not self.is_("failure-for-ever"):
            self.failure = None
        self.task = task
        if self.version < task.version:
            self.fetch()
        self.train_if_possible(now)

    def take_prompts(self, prompts, now):
        if prompts.version <= self.version and not self.is_("takes-old-state"):
            return
        state = {}
        for tensor in prompts.unchanged:
            if tensor.name in self.state and self.version >= tensor.since:
                state[tensor.name] = self.state[tensor.name]
            elif self.is_("fills-with-zeros"):
                state[tensor.name] = np.zeros(3)
            elif self.is_("takes-stale-tensors") and tensor.name in self.state:
                state[tensor.name] = self.state[tensor.name]
            else:
                if self.task and not self.is_("fetch-once"):
                    self.fetch()
                return
        for tensor in prompts.tensors:
            kind = "<f2" if tensor.dtype == pb.DATA_TYPE_F16 else "<f4"
            state[tensor.name] = np.frombuffer(tensor.data, kind).astype("<f4").reshape(tensor.shape)
        self.version, self.state, self.ids = prompts.version, state, list(prompts.prompt_ids)
        self.train_if_possible(now)

    # ---- The loop ----

    def run(self):
        try:
            while not self.ended:
                now = time.monotonic()
                if not self.welcomed and now >= self.hello_at:
                    self.say_hello(now)
                if self.welcomed and now >= self.beat_at:
                    self.beat(now)
                if self.welcomed and now >= self.resend_at and self.kept():
                    self.resend(now)
                if self.training and now >= self.training[-1]:
                    self.finish_training(now)
                if self.sub.poll(10):
                    self.hear(self.sub.recv_multipart(), time.monotonic())
        except KeyboardInterrupt:
            if not self.is_("leaves-silently"):
                self.send(goodbye=pb.Goodbye(**self.me))
        self.context.destroy(linger=1000)


def faults():
    """The names of all faults that the source asks about."""
    source = pathlib.Path(__file__).read_text()
    return sorted(set(re.findall(r'is_\("([^"]+)"\)', source)) | {"subscribes-to-all", "topic-without-slash"})


if __name__ == "__main__":
    if sys.argv[1:] == ["--faults"]:
        print("\n".join(faults()))
        sys.exit()
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for place in ("updates", "prompts", "outbox"):
        parser.add_argument(place)
    parser.add_argument("--fault", choices=faults())
    parser.add_argument("--training", type=float, default=0.05)
    parser.add_argument("--held-out", type=int, default=0)
    parser.add_argument("--secret")
    parser.add_argument("--server")
    Client(parser.parse_args()).run()
