"""Makes training data on Ray from more repositories than one machine holds.

The script puts rows into shards of whole repositories, has fimd sign each shard,
finds near duplicates in different repositories by the bands of the signatures,
and has fimd make a part of the dataset from each shard. fimd runs in processes of
its own; the script moves files and keeps a manifest. Everything is below the
output, which every node must see. A file or folder there is always complete, and
the script does not make it again.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import ray

from tables import ORDER, by_band, dropped, one_for_each, only, with_shard

COLUMNS = ["repo", "path", "content", "license", "commit"]
ARROW = {"batch_format": "pyarrow"}  # rather than pandas


def put(path, write):
    """Calls `write` to make the file or folder `path`, which appears when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".new-", dir=path.parent))
    write(folder / "it")
    if path.is_dir():  # left by a run that was killed before the manifest had it
        shutil.rmtree(path)
    os.fsync(descriptor := os.open(folder / "it", os.O_RDONLY))
    os.close(descriptor)
    (folder / "it").rename(path)
    folder.rmdir()


def put_json(path, value):
    put(path, lambda new: new.write_text(json.dumps(value, indent=1)))


def read_json(path):
    return json.loads(path.read_text())


class Job:
    """Paths and the call of fimd, for every worker."""

    def __init__(self, args):
        self.args, self.output = args, Path(args.output).absolute()

    def path(self, folder, shard, ending=".parquet"):
        return self.output / folder / f"{shard:05}{ending}"

    def fimd(self, command, source, output):
        """Runs fimd. Returns None, or why it failed."""
        line = [self.args.fimd, "--no-cache", command, "--input", source, "--output", output]
        line += ["--partial", "--format", "parquet", *self.args.options]
        threads = {**os.environ, "RAYON_NUM_THREADS": str(self.args.cpus)}
        try:
            run = subprocess.run(line, env=threads, timeout=self.args.timeout, capture_output=True, text=True)
        except subprocess.TimeoutExpired:
            return f"takes more than {self.args.timeout} s"
        said = (run.stderr.strip().splitlines() or ["nothing said"])[-1]
        return f"exit code {run.returncode}: {said}" if run.returncode else None

    def make(self, command, rows, output):
        """Runs fimd on `rows`. If it fails, looks by halves for the repositories that
        it fails on, leaves them out, and returns them with the reason."""
        repos = rows["repo"].unique().to_pylist()
        with tempfile.TemporaryDirectory() as folder:
            pq.write_table(rows, source := Path(folder, "rows.parquet"), compression="none")
            for _ in range(self.args.attempts):
                if not (why := self.fimd(command, source, output)):
                    return {}
            skipped = {repos[0]: why} if len(repos) == 1 else {}
            for is_first in (True, False) if len(repos) > 1 else ():
                half = only(rows, repos[: len(repos) // 2], is_first)
                skipped |= self.make(command, half, Path(folder, f"half-{is_first}"))
        if not skipped:  # both halves work, so no repository is at fault
            raise RuntimeError(why)
        return skipped | self.make(command, only(rows, skipped, False), output)

    def sign(self, shard):
        rows, skipped = pq.read_table(self.path("shards", shard)), {}
        put(self.path("signatures", shard), lambda new: skipped.update(self.make("signatures", rows, new)))
        return {"skipped": skipped}

    def generate(self, shard):
        skipped = read_json(self.path("manifest/sign", shard, ".json"))["skipped"]
        rows = only(pq.read_table(self.path("shards", shard)), skipped, False)
        if (duplicates := self.path("duplicates", shard)).exists():
            rows = rows.join(pq.read_table(duplicates), ["repo", "path"]).sort_by(ORDER)
        part = self.path("parts", shard, "")
        put(part, lambda new: skipped.update(self.make("generate", rows, new)))
        told = read_json(part / "metadata.json")
        skipped |= {each["name"]: each["left_out"] for each in told.get("projects", []) if "left_out" in each}
        return {"skipped": skipped, "examples": told["counts"]["examples"]}

    def step(self, row):
        """Does a step for a shard and records the outcome in the manifest."""
        step, shard, began = row["step"], int(row["shard"]), time.time()
        try:
            done = {"state": "done", **getattr(self, step)(shard)}
        except Exception as error:  # no failure may affect other shards
            done = {"state": "failed", "error": str(error), "skipped": {}}
        done["seconds"] = round(time.time() - began, 1)
        put_json(self.path(f"manifest/{step}", shard, ".json"), done)
        return {"line": f"{step} {shard:05}: {done['state']} in {done['seconds']} s"}

    def steps(self, step):
        """Does a step for all shards that lack it. Returns the record of each shard."""
        shards = sorted(int(path.stem) for path in (self.output / "shards").glob("*.parquet"))
        notes = {shard: self.path(f"manifest/{step}", shard, ".json") for shard in shards}
        is_done = {shard: note.exists() and read_json(note)["state"] == "done" for shard, note in notes.items()}
        rows = [{"step": step, "shard": shard} for shard in shards if not is_done[shard]]
        print(f"{step}: {len(shards) - len(rows)} shards are done, {len(rows)} to do", flush=True)
        if rows:
            tasks = ray.data.from_items(rows, override_num_blocks=len(rows))
            tasks = tasks.map(self.step, num_cpus=self.args.cpus, concurrency=self.args.concurrency)
            for count, row in enumerate(tasks.iter_rows(), 1):
                print(f"{count}/{len(rows)} {row['line']}", flush=True)
        return {f"{step} {shard:05}": read_json(note) for shard, note in notes.items()}

    def once(self, name, work):
        """Puts the rows of `work` into shards, unless the manifest says that it was done."""
        if not (note := self.output / "manifest" / f"{name}.json").exists():
            rows = work().materialize()
            if count := rows.count():  # without rows there are no columns
                groups = rows.groupby("shard", num_partitions=self.args.shards)
                count = groups.map_groups(self.write, fn_args=[name], **ARROW).sum("rows")
            put_json(note, {"rows": count})
        print(f"{name}: {read_json(note)['rows']} rows", flush=True)

    def write(self, rows, folder):
        path, rows = self.path(folder, rows["shard"][0].as_py()), rows.drop_columns("shard")
        rows = rows.sort_by(ORDER) if folder == "shards" else one_for_each(rows)
        put(path, lambda new: pq.write_table(rows, new, row_group_size=1000))
        return pa.table({"rows": [rows.num_rows]})

    def shards(self):
        rows = ray.data.read_parquet(self.args.input)
        rows = rows.select_columns([name for name in COLUMNS if name in rows.schema().names])
        return rows.map_batches(with_shard, fn_args=[self.args.shards], **ARROW)

    def duplicates(self):
        files = ray.data.read_parquet([str(path) for path in sorted((self.output / "signatures").glob("*.parquet"))])
        bands = files.map_batches(by_band, fn_args=[self.args.shards], **ARROW)
        files = bands.groupby("bucket", num_partitions=self.args.shards).map_groups(dropped, **ARROW)
        return files.map_batches(with_shard, fn_args=[self.args.shards], **ARROW)


def main():
    parser = argparse.ArgumentParser(usage="%(prog)s INPUT... --output DIR [OPTION...] [-- OPTION OF fimd generate...]")
    parser.add_argument("input", nargs="+", help="Parquet files or folders, on any store that Ray reads")
    parser.add_argument("--output", required=True, metavar="DIR", help="a folder that every node sees")
    parser.add_argument("--fimd", default="fimd", metavar="PATH", help="the program, on every node [%(default)s]")
    parser.add_argument("--shards", type=int, default=200, help="of 50 to 500 MB of source is good [%(default)s]")
    parser.add_argument("--concurrency", type=int, help="shards at a time [what the CPUs allow]")
    parser.add_argument("--cpus", type=int, default=1, help="threads for a shard [%(default)s]")
    parser.add_argument("--attempts", type=int, default=3, help="before something is left out [%(default)s]")
    parser.add_argument("--timeout", type=int, default=7200, help="seconds that fimd has for a shard [%(default)s]")
    end = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    args = parser.parse_args(sys.argv[1:end])
    args.options = sys.argv[end + 1 :]
    job = Job(args)
    version = subprocess.check_output([args.fimd, "--version"], text=True)
    plan = {"input": args.input, "shards": args.shards, "options": args.options, "version": version.strip()}
    if (noted := job.output / "manifest" / "plan.json").exists() and read_json(noted) != plan:
        sys.exit(f"{args.output} was begun with {json.dumps(read_json(noted))}; repeat that, or name another --output")
    put_json(noted, plan)
    for left in job.output.glob("**/.new-*"):
        shutil.rmtree(left)
    ray.cloudpickle.register_pickle_by_value(sys.modules["tables"])  # not every node has the module
    ray.data.DataContext.get_current().enable_progress_bars = False
    job.once("shards", job.shards)
    if any(note["state"] != "done" for note in job.steps("sign").values()):
        sys.exit("not all shards could be signed, so duplicates are not known: see manifest/sign, and run this again")
    job.once("duplicates", job.duplicates)
    notes = job.steps("generate")
    parts = sorted(str(path.relative_to(job.output)) for path in job.output.glob("parts/[0-9]*"))
    if parts:
        subprocess.run([args.fimd, "merge-metadata", *parts, "--output", "."], cwd=job.output, check=True)
    left_out = {name: note["error"] for name, note in notes.items() if note["state"] != "done"}
    left_out |= {repo: why for note in notes.values() for repo, why in note["skipped"].items()}
    for what, why in left_out.items():
        print(f"left out: {what}: {why}", file=sys.stderr)
    examples = sum(note.get("examples", 0) for note in notes.values())
    print(f"{examples} examples in {len(parts)} parts; repositories and shards left out: {len(left_out)}")
    return 1 if left_out else 0


if __name__ == "__main__":
    sys.exit(main())
