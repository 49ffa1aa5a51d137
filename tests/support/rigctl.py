"""Commands to the simulated devices, by the rig's control socket. tests/rig/README.md."""
import socket

SECONDS_MAX = 10


def ask(path, command):
    """The rig's answer; an OSError if there is none."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(SECONDS_MAX)
        s.connect(path)
        s.sendall(command.encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\0"):
            data = s.recv(4096)
            if not data:
                raise OSError(f"rig: no answer to: {command}")
            answer += data
    return answer[:-1].decode("utf-8", "replace").strip()
