"""A Debian 12 of its own without a network: a root made by debootstrap and booted by systemd-nspawn, as root."""

import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "House"))
from steps import Failure, eventually, say  # noqa: E402

# What a root has besides the minimal set. The libraries are the program's; the package's own check finds what is missing.
PACKAGES = [
    "systemd", "systemd-sysv", "dbus", "init-system-helpers", "ca-certificates", "curl", "man-db", "libzmq5", "libprotobuf-c1",
    "libsodium23", "libssl3", "zlib1g", "libturbojpeg0", "libpng16-16", "libzstd1", "dataset-fashion-mnist",
]


def run(*arguments, check=True, **options):
    done = subprocess.run(list(map(str, arguments)), capture_output=True, text=True, **options)
    if check and done.returncode != 0:
        raise Failure(f"{' '.join(map(str, arguments))}: exit code {done.returncode}: {(done.stderr or done.stdout)[-2000:]}")
    return done


def mirror():
    """Where this machine's own packages come from."""
    found = run("apt-get", "indextargets", "--format", "$(SITE) $(CODENAME)", "Created-By: Packages").stdout
    return next((line.split()[0] for line in found.splitlines() if line.endswith(" bookworm")),
                "http://deb.debian.org/debian")


def base(folder):
    """The folder of a fresh root, which is made once and then kept."""
    root = folder / "base"
    wanted = " ".join(PACKAGES)
    made = folder / "base.packages"
    if not (made.exists() and made.read_text() == wanted):
        shutil.rmtree(root, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        say("debootstrap makes a Debian 12")
        run("debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", "bookworm", root, mirror())
        made.write_text(wanted)
    return root


class Machine:
    """A booted copy of the base."""

    def __init__(self, folder):
        source = base(folder)
        self.root = pathlib.Path(tempfile.mkdtemp(dir=folder, prefix="machine-"))
        run("cp", "-a", f"{source}/.", self.root)
        (self.root / "etc/hostname").write_text("machine\n")
        self.console = open(folder / "console.log", "wb")
        self.process = subprocess.Popen(
            ["systemd-nspawn", "--quiet", f"--directory={self.root}", "--boot", "--private-network", "--register=no",
             "--keep-unit"], stdin=subprocess.DEVNULL, stdout=self.console, stderr=self.console)
        eventually(60, "systemd is up", self.is_up)

    @property
    def leader(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return children[-1] if children else None

    def is_up(self):
        if self.process.poll() is not None:
            raise Failure(f"systemd-nspawn ended with {self.process.returncode}; see {self.console.name}")
        return self.leader and self.inside(
            "systemctl", "is-system-running", check=False).stdout.strip() in {"running", "degraded"}

    def inside(self, *arguments, check=True, **options):
        """Runs a command in the machine."""
        return run("nsenter", f"--target={self.leader}", "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd=/",
                   "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8",
                   "DEBIAN_FRONTEND=noninteractive", *arguments, check=check, **options)

    def out(self, *arguments, **options):
        return self.inside(*arguments, **options).stdout.strip()

    def put(self, path, text, mode=0o644):
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)

    def unit(self, name, key):
        return self.out("systemctl", "show", "--property", key, "--value", name)

    def journal(self, name):
        return self.out("journalctl", "--no-pager", "--output=cat", "--unit", name)

    def end(self):
        if self.process.poll() is None:
            self.inside("systemctl", "--force", "--force", "poweroff", check=False)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.console.close()
        shutil.rmtree(self.root)
