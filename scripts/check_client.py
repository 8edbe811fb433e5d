#!/usr/bin/env python3
"""Starts a server and runs examples/client.py against it, as README.md shows.

    python3 scripts/check_client.py PROGRAM

Needs the packages of examples/requirements.txt in the Python that runs it.
"""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
START_SECONDS = 60


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        port_file = pathlib.Path(folder) / "port"
        settings = {"TAMIZ_SERVER_LISTEN": "127.0.0.1:0", "TAMIZ_SERVER_PORT_FILE": str(port_file), "XDG_CONFIG_HOME": folder}
        server = subprocess.Popen([program, "serve"], env=os.environ | settings)
        try:
            address = "127.0.0.1:" + wait_for(port_file, server)
            client(address, 1, "block", "examples/poisoned/mail-forwarded.eml")
            client(address, 0, "allow", "examples/benign/recipe.md")
            tools = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "examples/poisoned").glob("tools-*.json"))
            client(address, 1, "block", "--stream", "--kind", "tool-metadata", *tools)
            client(address, 2, "", "examples/no-such-file")
            server.send_signal(signal.SIGTERM)
            if server.wait(timeout=30) != 0:
                sys.exit(f"the server ended with {server.returncode}")
            client(address, 2, "", "examples/benign/recipe.md")
        finally:
            server.kill()
    print("the Python client works")


def wait_for(port_file, server):
    """The port, once the server listens."""
    started = time.monotonic()
    while not port_file.exists():
        if server.poll() is not None or time.monotonic() - started > START_SECONDS:
            sys.exit("the server did not start")
        time.sleep(0.05)
    return port_file.read_text(encoding="ascii").strip()


def client(address, expected, word, *arguments):
    """Runs the client; it must end with `expected`, and begin its first line with `word`."""
    command = [sys.executable, "examples/client.py", "--address", address, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    if done.returncode != expected or not done.stdout.startswith(word):
        sys.exit(f"{arguments}: ended with {done.returncode}, not {expected}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
