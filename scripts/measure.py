"""Measures a fimd binary on PHP projects; prints one Markdown table.

    measure.py BINARY DIR [NAME...]

For each project DIR/NAME:

- initialize: wall time from sending the request (bm25 on) to its answer, the
  median of three fresh servers; MB/s of the source that `fimd files` lists.
- getContext: wall time of 300 requests, one after the other, each for a random
  character of a random file (seed 1), as a client sees them.
- generate: examples in both parts by the wall time of the whole command, with
  --cross-file-context --bm25-context --quality-filter.
- peak RSS: the kernel's own figure for each process, in MB and as a multiple of
  the source. This script's own size (some 20 MB) is its lower bound.

MB are 10^6 bytes. A request that is answered with an error ends the script.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

REQUESTS = 300
MB = 1e6


def fail(message):
    sys.exit(f"measure.py: {message}")


def spawn(arguments, cache="/nonexistent", **options):
    """Starts a process that logs only errors."""
    env = {**os.environ, "RUST_LOG": "error", "XDG_CACHE_HOME": str(cache)}
    return subprocess.Popen(arguments, env=env, **options)


def reap(process):
    """Waits for a process; returns its peak RSS in bytes."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        fail(f"{' '.join(map(str, process.args))}: exit code {process.returncode}")
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


class Server:
    """A fimd that speaks JSON lines on its standard streams."""

    def __init__(self, binary, *options, cache="/nonexistent"):
        self.process = spawn([binary, *options], cache, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.last_id = 0

    def call(self, method, **params):
        """Sends a request; returns its result and the seconds it took."""
        self.last_id += 1
        message = {"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params}
        line = json.dumps(message).encode() + b"\n"
        began = time.perf_counter()
        self.process.stdin.write(line)
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        seconds = time.perf_counter() - began
        answer = json.loads(answer) if answer else {"error": "the server has gone"}
        if answer.get("id") != self.last_id or "result" not in answer:
            fail(f"{method}: {answer}")
        return answer["result"], seconds

    def end(self):
        """Shuts the server down; returns its peak RSS in bytes."""
        self.call("shutdown")
        self.process.stdin.close()
        return reap(self.process)


def source_files(binary, project):
    """The files that fimd counts as the project's."""
    listed = subprocess.run([binary, "files", project], check=True, capture_output=True)
    files = [project / os.fsdecode(line) for line in listed.stdout.splitlines()]
    for file in files:
        if not file.is_file():
            fail(f"`fimd files {project}` names {file}, which is no file")
    if not files:
        fail(f"{project}: fimd finds no PHP files there")
    return files


def random_cursors(files):
    """Endless tuples (file, content, byte offset), the same on every run."""
    chance = random.Random(1)
    while True:
        file = chance.choice(files)
        try:
            content = file.read_bytes().decode()
        except UnicodeDecodeError:
            continue
        yield file, content, len(content[: chance.randint(0, len(content))].encode())


def measure_server(binary, project, files):
    """Returns the seconds to initialize without a cache and with one, those of
    each getContext, the peak RSS."""

    def initialize(server):
        return server.call("initialize", project_root=str(project), bm25=True)[1]

    warm = []
    with tempfile.TemporaryDirectory() as cache:
        for _ in range(4):
            server = Server(binary, cache=cache)
            warm.append(initialize(server))
            server.end()
    # The first server has written the cache.
    warm.pop(0)
    starts = []
    for _ in range(3):
        server = Server(binary, "--no-cache")
        starts.append(initialize(server))
        if len(starts) < 3:
            server.end()
    answers = []
    for (file, content, offset), _ in zip(random_cursors(files), range(REQUESTS)):
        name = str(file.relative_to(project))
        _, seconds = server.call(
            "getContext", filepath=name, content=content, cursor_offset=offset
        )
        answers.append(seconds)
    return median(starts), median(warm), answers, server.end()


def measure_generate(binary, project):
    """Returns the number of examples, the seconds, and the peak RSS."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "dataset"
        flags = ["--cross-file-context", "--bm25-context", "--quality-filter"]
        began = time.perf_counter()
        command = [binary, "--no-cache", "generate", project, "--output", output, *flags]
        peak = reap(spawn(command, stdout=subprocess.DEVNULL))
        seconds = time.perf_counter() - began
        examples = 0
        for part in ("train.jsonl", "val.jsonl"):
            with open(output / part, "rb") as lines:
                examples += sum(1 for _ in lines)
    return examples, seconds, peak


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    binary, folder = sys.argv[1], Path(sys.argv[2]).resolve()
    print(f"{os.cpu_count()} cores\n")
    print("| project | files | source | initialize | again, warm | getContext p50 / p99 | generate | peak RSS: server / generate |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in sys.argv[3:] or ["wordpress", "mediawiki"]:
        project = folder / name
        if not project.is_dir():
            fail(f"{project} is no folder; DIR has one for each project")
        files = source_files(binary, project)
        size = sum(file.stat().st_size for file in files)
        start, warm, answers, server_peak = measure_server(binary, project, files)
        p99 = quantiles(answers, n=100, method="inclusive")[98]
        examples, seconds, generate_peak = measure_generate(binary, project)
        cells = [
            name,
            f"{len(files)}",
            f"{size / MB:.1f} MB",
            f"{start:.2f} s, {size / MB / start:.0f} MB/s",
            f"{warm:.2f} s",
            f"{median(answers) * 1e3:.1f} / {p99 * 1e3:.1f} ms",
            f"{examples} examples in {seconds:.1f} s, {examples / seconds:.0f}/s",
            " / ".join(f"{peak / MB:.0f} MB ({peak / size:.1f}×)" for peak in (server_peak, generate_peak)),
        ]
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
