"""The check that check.sh runs on its cluster: check.py PROJECTS FIMD FOLDER."""
import collections
import glob
import json
import os
import random
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

REPOSITORIES = 300
BYTES = 16_000  # size of a repository, about
SHARDS = 12
OPTIONS = ["--cross-file-context", "--bm25-context", "--val-split", "0.2"]
CRASH, BYTES_ONLY = "poison/crash", "poison/bytes"


def repositories(projects):
    """Makes repositories of folders with PHP files, with files that several share."""
    folders = collections.defaultdict(list)
    for path in glob.glob(f"{projects}/**/*.php", recursive=True):
        # Some are broken links.
        if os.path.exists(path) and 200 < os.path.getsize(path) < BYTES:
            folders[os.path.dirname(path)].append(path)
    draw = random.Random(7)
    names = draw.sample(sorted(name for name, paths in folders.items() if len(paths) > 2), REPOSITORIES)
    found, files = {}, []
    for name in names:
        repo, size = os.path.relpath(name, projects), 0
        found[repo] = {}
        for path in sorted(folders[name]):
            with open(path, "rb") as file:
                text = file.read()
            if size + len(text) <= BYTES:
                found[repo]["src/" + os.path.basename(path)], size = text, size + len(text)
        for n, (path, text) in enumerate(draw.sample(files, min(2, len(files)))):
            # An exact copy, or a copy with one more line.
            found[repo][f"lib/{os.path.basename(path)}"] = text + b"\n$copied = true;\n" * n
        files += found[repo].items()
    found[BYTES_ONLY] = {"a.php": b"<?php // \xff\xfe"}
    found[CRASH] = dict(files[:2])
    return found


def table(rows, **more):
    columns = dict(zip(["repo", "path", "content"], zip(*rows)), **more)
    kinds = {"content": pa.binary()}
    return pa.table({name: pa.array(values, kinds.get(name, pa.string())) for name, values in columns.items()})


def wrapper(fimd, folder):
    """Writes a fimd that records its runs and that one repository kills."""
    path = os.path.join(folder, "fimd")
    with open(path, "w") as file:
        file.write(f"""#!/bin/sh
echo "$*" >> {folder}/runs
case "$2" in
signatures | generate) ! LC_ALL=C grep -aq {CRASH} "$4" || kill -SEGV $$ ;;
esac
exec {fimd} "$@"
""")
    os.chmod(path, 0o755)
    return path


def parent_of_a_run(fimd):
    """The worker that makes a part at the moment."""
    for folder in glob.glob("/proc/[0-9]*"):
        try:
            with open(f"{folder}/cmdline") as command, open(f"{folder}/stat") as stat:
                if command.read().startswith(f"{fimd}\0--no-cache\0generate"):
                    return int(stat.read().rsplit(")", 1)[1].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return None


def on_cluster(command, fimd, kill):
    """Runs the script and returns its lines and exit code. Kills a worker after a third."""
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines, killed = [], None
    for line in run.stdout:
        lines.append(line.rstrip())
        found = re.match(r"(\d+)/(\d+) generate", line)
        while kill and not killed and found and int(found[1]) * 3 >= int(found[2]):
            if killed := parent_of_a_run(fimd):
                os.kill(killed, signal.SIGKILL)
    assert not kill or killed, "no worker was killed: " + "\n".join(lines)
    return lines, run.wait()


def examples(folders):
    """The examples as a set."""
    names = ["repo", "filepath", "start_byte", "end_byte", "text"]
    found = []
    for folder in folders:
        for part in ("train", "val"):
            rows = pq.read_table(f"{folder}/{part}.parquet", columns=names).to_pydict()
            found += zip(*rows.values(), [part] * len(rows["repo"]))
    assert len(found) == len(set(found))
    return set(found)


def duplicates(signatures):
    """The rule for near duplicates in its simplest form: each file with each other one."""
    files = pq.read_table(signatures).to_pylist()
    signature = np.array([file["signature"] for file in files])
    bands = np.array([file["bands"] for file in files])
    found = {}
    for at, file in enumerate(files):
        near = ((signature == signature[at]).sum(axis=1) >= 96) & (bands == bands[at]).any(axis=1)
        others = [files[other] for other in np.flatnonzero(near) if files[other]["repo"] < file["repo"]]
        if others:
            found[file["repo"], file["path"]] = min(f"{other['repo']}:{other['path']}" for other in others)
    return found


def main(projects, fimd, folder):
    repos = repositories(projects)
    rows = [(repo, path, text) for repo, files in repos.items() for path, text in files.items()]
    random.Random(7).shuffle(rows)  # rows of one repository must not stand together
    os.mkdir(f"{folder}/input")
    for n in range(3):
        pq.write_table(table(rows[n::3]), f"{folder}/input/{n}.parquet")
    script = os.path.join(os.path.dirname(__file__), "ray_generate.py")
    output, program = f"{folder}/output", wrapper(fimd, folder)
    command = [sys.executable, script, f"{folder}/input", "--output", output, "--fimd", program]
    command += ["--shards", str(SHARDS), "--attempts", "2", "--", *OPTIONS]
    began = time.time()
    lines, code = on_cluster(command, fimd, kill=True)
    seconds = time.time() - began
    told = "\n".join(lines)
    assert code == 1, told
    left_out = [line for line in lines if line.startswith("left out: ")]
    assert len(left_out) == 1 and left_out[0].startswith(f"left out: {CRASH}: exit code -11"), told
    parts = sorted(glob.glob(f"{output}/parts/*"))
    made = examples(parts)

    # One run over all repositories that do not kill fimd.
    whole = sorted(row for row in rows if row[0] != CRASH)
    pq.write_table(table(whole), f"{folder}/whole.parquet", row_group_size=1000)
    one = [fimd, "--no-cache", "signatures", "--input", f"{folder}/whole.parquet"]
    subprocess.run([*one, "--output", f"{folder}/signed.parquet"], check=True)
    dropped = duplicates(f"{folder}/signed.parquet")
    marks = [dropped.get(row[:2]) for row in whole]
    pq.write_table(table(whole, duplicate_of=marks), f"{folder}/marked.parquet", row_group_size=1000)
    began = time.time()
    one = [fimd, "--no-cache", "generate", "--input", f"{folder}/marked.parquet", "--output", f"{folder}/one"]
    subprocess.run([*one, "--partial", "--format", "parquet", *OPTIONS], check=True)
    alone = time.time() - began
    expected = examples([f"{folder}/one"])
    assert made == expected, f"{len(made - expected)} too many, {len(expected - made)} missing"
    with open(f"{output}/metadata.json") as file:
        counts = json.load(file)["counts"]
    assert counts["examples"] == len(made) and counts["val"] == sum(part == "val" for *_, part in made)
    assert dropped and any(part == "val" for *_, part in made)

    # A second run has nothing to do.
    with open(f"{folder}/runs") as file:
        runs = file.read().split("\n")
    lines, code = on_cluster(command, fimd, kill=False)
    with open(f"{folder}/runs") as file:
        more = file.read().split("\n")[len(runs) - 1 : -1]
    nothing = f"{SHARDS} shards are done, 0 to do"
    assert code == 1 and all(f"{step}: {nothing}" in lines for step in ("sign", "generate")), lines
    assert [line.split()[0] for line in more] == ["--version", "merge-metadata"], more

    source = sum(len(text) for *_, text in rows)
    print(f"{len(repos)} repositories, {len(rows)} files, {source / 1e6:.1f} MB; near duplicates: {len(dropped)} files")
    print(f"{len(made)} examples, {len(parts)} parts, two nodes of one CPU: {seconds:.0f} s, {len(made) / seconds:.0f}/s")
    print(f"with a worker killed, a repository that ends fimd, and {len(runs) - 1} runs of fimd; again: none")
    print(f"equal to one run of fimd: {alone:.0f} s, {len(made) / alone:.0f}/s")


if __name__ == "__main__":
    main(*sys.argv[1:])
