"""Stock Linux in the emulator, without a hypervisor: its machine and its verdicts. tests/native."""
import os
import re
import subprocess

import emulator

HERE = os.path.dirname(os.path.abspath(__file__))
NATIVE = os.path.join(os.path.dirname(HERE), "native")
ROM_ADDRESS = 0xd0000
# tsc_early_khz: docs/hardware.md. notests: the self tests of crypto would take half of the boot.
CMDLINE = "quiet console=ttyS0,115200 tsc_early_khz={khz} clearcpuid=112,297 cryptomgr.notests"
CHECK = re.compile(r"CHECK (\S+) (PASS|FAIL) ?(.*)")
DONE = re.compile(r"NATIVE done pass (\d+) fail (\d+)")


class Skipped(Exception):
    """The case cannot run here; the text says why."""


class Checks:
    """Reads the console; failure() is the first thing that is wrong."""

    def __init__(self):
        self.passed, self.failed, self.done = 0, [], None

    def line(self, line):
        check, done = CHECK.search(line), DONE.search(line)
        if check and check.group(2) == "PASS":
            self.passed += 1
        elif check:
            self.failed.append(f"{check.group(1)}: {check.group(3).strip()}")
        if done:
            self.done = int(done.group(1)), int(done.group(2))

    def failure(self):
        if self.failed:
            return "; ".join(self.failed)
        if self.done is None:
            return "the script did not come to its end"
        if self.done != (self.passed, 0) or not self.passed:
            return f"{self.passed} checks seen, the script counted {self.done}"
        return None


def machine(case, directory, common):
    """The machine of a case with `native`."""
    out = os.path.join(common["build"], "native")
    disk, rom = os.path.join(out, "disk.img"), os.path.join(directory, "rom.img")
    script, *variables = case.w["native"].split()
    command = [CMDLINE.format(khz=case.n["ips"] // 1000), case.w["cmdline"], "native=" + script]
    done = subprocess.run(
        [os.path.join(NATIVE, "mkdisk"), "--disk", disk, "--code", os.path.join(out, "rom.bin"),
         "--cmdline", " ".join(command + variables), "--rom", rom],
        stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise OSError(done.stderr.strip())
    extra = [f"optromimage1: file={rom}, address={ROM_ADDRESS:#x}"] + common.pop("extra")
    return emulator.Machine(disk, directory, "bochs", case.n["cpus"], case.n["mem"], firmware="bios",
                            extra=extra, prefix=within(case.w["within"]), **common)


def within(program):
    """The command that starts the emulator, if it can be used here."""
    if not program:
        return []
    path = os.path.join(NATIVE, program)
    probe = subprocess.run([path, "--probe"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           text=True, check=False)
    if probe.returncode:
        raise Skipped(probe.stdout.strip())
    return [path]
