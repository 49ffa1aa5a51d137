"""Starts one virtual PC in an emulator and talks to its COM1.

Kinds: "qemu" (KVM with nested VMX), "bochs" (VMX in software, any machine), "tcg" (QEMU without
VMX, for the case where the CPU has none). The disk image is never written to, so that several
machines can share one. A machine lives in a run directory of its own and dies with its starter.
"""
import glob
import os
import pty
import select
import shutil
import signal
import subprocess
import time
import tty
from dataclasses import dataclass, field

OVMF = ("/usr/share/ovmf/OVMF.fd", "/usr/share/qemu/OVMF.fd")
RIG_PLUGIN = "sluice"
NESTED = "/sys/module/kvm_intel/parameters/nested"

# What is typed goes in slices of half a UART's FIFO.
TYPED_BYTES = 8
TYPED_GAP_S = 0.05

# Features without which OVMF or Linux stop on that model; see docs/hardware.md.
BOCHS_EXCLUDE = {
    "tigerlake": "cet",
    "arrow_lake": "cet",
    "sapphire_rapids": "cet,amx,amx_int8,amx_bf16,uintr,la57",
}

BOCHS_CONFIG = """\
config_interface: textconfig
display_library: rfb, options="timeout=0"
cpu: model={model}, count={cpus}, ips={ips}, quantum={quantum}, reset_on_triple_fault=0{exclude}
memory: guest={mem_mib}, host={mem_mib}
romimage: file={rom}
vgaromimage: file={vgabios}
{drives}speaker: enabled=0
com1: enabled=1, mode=term, dev={tty}
pci: enabled=1, chipset=i440fx{slots}
log: bochs.log
panic: action=report
error: action={errors}
info: action=ignore
debug: action=ignore
clock: sync=none
"""


class EmulatorError(Exception):
    """The emulator cannot be started; the text says what is missing."""


@dataclass
class Machine:
    """What to start. The directory receives the emulator's logs and the raw console.

    firmware and cdrom are for Bochs only. "bios" is its own legacy BIOS: it boots the CD if there
    is one and, unlike OVMF there, supplies ACPI tables. The image may be "" if there is a CD.
    rig: lines of the configuration of the simulated devices, see tests/rig; None: no such devices.
    """
    image: str
    directory: str
    kind: str = "bochs"
    cpus: int = 2
    mem_mib: int = 1024
    model: str = "corei7_skylake_x"  # Bochs only
    ips: int = 100_000_000           # Bochs only: emulated instructions per emulated second
    quantum: int = 5                 # Bochs only: ticks a halted CPU takes per round
    nic: bool = False                # an e1000 (QEMU: user network; Bochs: a null wire)
    cache: str = "build/cache"
    qemu_cpu: str = ""               # "tcg" only, e.g. "qemu64"
    extra: list = field(default_factory=list)
    firmware: str = "ovmf"           # or "bios"
    cdrom: str = ""
    rig: list = None
    build: str = "build"             # where the rig's plugin was built
    prefix: list = field(default_factory=list)  # Bochs only: a command that starts the emulator


def kvm_has_vmx():
    """True if a guest of this machine's KVM can itself use VMX (the device node alone proves nothing)."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as f:
            if not any(line.startswith("flags") and " vmx" in line for line in f):
                return False
        with open(NESTED, encoding="ascii") as f:
            nested = f.read().strip() in ("Y", "1")
    except OSError:
        return False
    return nested and os.access("/dev/kvm", os.R_OK | os.W_OK)


def choose(wanted=""):
    """The kind of emulator to use: what the user wants, or the fastest that works here."""
    if wanted in ("qemu", "bochs", "tcg"):
        return wanted
    if wanted:
        raise EmulatorError(f"EMU={wanted}: not one of qemu, bochs, tcg")
    if kvm_has_vmx() and shutil.which("qemu-system-x86_64"):
        return "qemu"
    return "bochs"


def ovmf():
    for path in OVMF:
        if os.path.exists(path):
            return path
    raise EmulatorError("OVMF is not installed (package ovmf): run make deps")


def qemu_command(m):
    if not shutil.which("qemu-system-x86_64"):
        raise EmulatorError("qemu-system-x86_64 is not installed (package qemu-system-x86)")
    cmd = ["qemu-system-x86_64", "-nodefaults", "-display", "none", "-no-reboot",
           "-bios", ovmf(), "-smp", str(m.cpus), "-m", str(m.mem_mib),
           "-drive", f"file={m.image},format=raw,snapshot=on",
           "-chardev", "stdio,id=com1,signal=off", "-serial", "chardev:com1"]
    if m.kind == "qemu":
        cmd += ["-machine", "q35,kernel-irqchip=split", "-accel", "kvm", "-cpu", "host,+vmx"]
    else:
        cmd += ["-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", m.qemu_cpu or "qemu64"]
    if m.nic:
        cmd += ["-netdev", "user,id=n0,restrict=on", "-device", "e1000,netdev=n0"]
    return cmd + m.extra


def bochs_file(m, path):
    """A file of Bochs's packages: the one beside the emulator that is used, or the host's own."""
    bochs = os.path.join(os.path.abspath(m.cache), "bochs")
    found = sorted(glob.glob(os.path.join(bochs, "root*" + path)), reverse=True)
    found += [path] if os.path.exists(path) else []
    if not found:
        raise EmulatorError(f"no {os.path.basename(path)} in {bochs}: run make bochs")
    return found[0]


def bochs_rom(m):
    if m.firmware == "bios":
        return bochs_file(m, "/usr/share/bochs/BIOS-bochs-latest") + ", options=fastboot"
    return ovmf()


def bochs_drives(m):
    lines = ["boot: cdrom, disk" if m.cdrom and m.image else f"boot: {'cdrom' if m.cdrom else 'disk'}"]
    if m.image:
        lines += [f"ata0-master: type=disk, path={m.image}, mode=volatile, journal=redo"]
    if m.cdrom:
        lines += ["ata1: enabled=1, ioaddr1=0x170, ioaddr2=0x370, irq=15",
                  f"ata1-master: type=cdrom, path={m.cdrom}, status=inserted"]
    return "".join(line + "\n" for line in lines)


def bochs_config(m, tty_name):
    exclude = BOCHS_EXCLUDE.get(m.model, "")
    text = BOCHS_CONFIG.format(
        model=m.model, cpus=m.cpus, ips=m.ips, quantum=m.quantum, mem_mib=m.mem_mib,
        exclude=f', exclude_features="{exclude}"' if exclude else "",
        rom=bochs_rom(m), vgabios=bochs_file(m, "/usr/share/vgabios/vgabios.bin"),
        drives=bochs_drives(m), tty=tty_name,
        slots=", slot1=e1000" if m.nic else "",
        # PIIX and PIT warnings of a booting kernel are noise, and cost time by the million
        errors="report" if os.environ.get("BOCHS_ERRORS") else "ignore")
    if m.nic:
        text += "e1000: enabled=1, mac=52:54:00:00:00:01, ethmod=null, ethdev=none\n"
    if m.rig is not None:
        text += f"plugin_ctrl: {RIG_PLUGIN}=1\n"
    return text + "".join(line + "\n" for line in m.extra)


def bochs_command(m):
    launcher = os.path.join(os.path.abspath(m.cache), "bochs", "bochs")
    if not os.access(launcher, os.X_OK):
        raise EmulatorError(f"{launcher} is missing: run make bochs")
    return m.prefix + [launcher, "-q", "-f", "bochsrc"]


def rig_environment(m):
    """What makes the emulator load the rig's plugin, and the plugin find its configuration."""
    if m.rig is None:
        return {}
    plugins = os.path.join(os.path.abspath(m.build), "rig")
    if not os.path.exists(os.path.join(plugins, f"libbx_{RIG_PLUGIN}.so")):
        raise EmulatorError(f"no plugin in {plugins}: run make rig")
    path = os.path.join(os.path.abspath(m.directory), "rig.conf")
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(line + "\n" for line in m.rig)
    return {"BOCHS_PLUGINS": plugins, "SLUICE_RIG": path}


class Running:
    """A machine that runs. Use as a context manager: leaving it ends the emulator."""

    def __init__(self, machine):
        self.machine = machine
        if machine.kind != "bochs" and (machine.rig is not None or machine.firmware != "ovmf"):
            raise EmulatorError("simulated devices and the legacy BIOS need EMU=bochs")
        machine.image = machine.image and os.path.abspath(machine.image)
        machine.cdrom = machine.cdrom and os.path.abspath(machine.cdrom)
        os.makedirs(machine.directory, exist_ok=True)
        self.directory = machine.directory
        for old in ("console.txt", "bochs.log", "redo", "redo.lock"):
            self._remove(old)
        self.started = time.monotonic()
        self._log = open(os.path.join(self.directory, "console.txt"), "wb")
        self._output = open(os.path.join(self.directory, "emulator.txt"), "wb")
        self._tty = None
        self._typed, self._next_key = b"", 0.0
        if machine.kind == "bochs":
            self._start_bochs()
        else:
            self._start_qemu()

    def _remove(self, name):
        try:
            os.remove(os.path.join(self.directory, name))
        except FileNotFoundError:
            pass

    def _spawn(self, command, **pipes):
        # setpriv: the emulator dies even if this process is killed by a signal it cannot catch
        env = dict(os.environ, TERM=os.environ.get("TERM", "xterm"), **rig_environment(self.machine))
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL"] + command, cwd=self.directory, env=env,
            stderr=self._output, start_new_session=True, **pipes)

    def _start_bochs(self):
        command = bochs_command(self.machine)
        self._in, self._tty = pty.openpty()
        tty.setraw(self._tty)
        with open(os.path.join(self.directory, "bochsrc"), "w", encoding="ascii") as f:
            f.write(bochs_config(self.machine, os.ttyname(self._tty)))
        self._out = self._in
        self._spawn(command, stdin=subprocess.DEVNULL, stdout=self._output)

    def _start_qemu(self):
        self._spawn(qemu_command(self.machine), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._in = self.process.stdin.fileno()
        self._out = self.process.stdout.fileno()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def fileno(self):
        return self._out

    def elapsed(self):
        return time.monotonic() - self.started

    def read(self, timeout_s):
        """What COM1 said within the timeout: b"" if nothing, None if the machine is off and drained."""
        self._type()
        if self._typed:
            timeout_s = min(timeout_s, TYPED_GAP_S)
        ready, _, _ = select.select([self._out], [], [], timeout_s)
        if ready:
            try:
                data = os.read(self._out, 65536)
            except OSError:  # a pty without a writer
                data = b""
            if data:
                self._log.write(data)
                self._log.flush()
                return data
        return None if self.process.poll() is not None else b""

    def write(self, data):
        """Types on COM1. read() passes the keys on, at a pace that a polled UART can follow."""
        self._typed += data

    def _type(self):
        now = time.monotonic()
        if self._typed and now >= self._next_key:
            os.write(self._in, self._typed[:TYPED_BYTES])
            self._typed = self._typed[TYPED_BYTES:]
            self._next_key = now + TYPED_GAP_S

    def stop(self):
        """Ends the emulator, if it still runs, and tidies the run directory."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self._log.close()
        self._output.close()
        if self._tty is not None:
            os.close(self._tty)
            os.close(self._in)
            self._tty = None
        for name in ("redo", "redo.lock"):
            self._remove(name)

    def last_words(self):
        """Why the emulator itself complained, or "": for the report of a failure."""
        words = []
        for name in ("emulator.txt", "bochs.log"):
            try:
                with open(os.path.join(self.directory, name), encoding="utf-8", errors="replace") as f:
                    words += [line.strip() for line in f]
            except FileNotFoundError:
                pass
        if self.machine.kind == "bochs":
            words = [w for w in words if w.startswith("rig: ") or
                     ">>PANIC<<" in w and "soft power off" not in w]
        return "\n".join([w for w in words if w][-5:])
