"""Operations on tables of files, above all finding near duplicates in different
repositories by their signatures.

Two files are near duplicates if they share a band and 96 of the 120 numbers of
their signatures are equal. A file is dropped if a repository with a smaller name
has a near duplicate of it, even if that one is dropped, too. So the order of the
comparisons does not matter.
"""
import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

ORDER = [("repo", "ascending"), ("path", "ascending")]
ALIKE = 96
NAMES = ["repo", "path", "duplicate_of"]


def with_shard(rows, shards):
    """Adds a column with the shard of each row, which its repository determines."""
    digests = [hashlib.blake2b((repo or "").encode(), digest_size=8).digest() for repo in rows["repo"].to_pylist()]
    return rows.append_column("shard", pa.array([int.from_bytes(digest) % shards for digest in digests], pa.int64()))


def only(rows, repos, wanted=True):
    """The rows of `repos`, or all other rows."""
    are = pc.is_in(rows["repo"], value_set=pa.array(list(repos), pa.string()))
    return rows.filter(are if wanted else pc.invert(are))


def by_band(files, buckets):
    """Makes a row for each band of each file. Equal bands get the same bucket."""
    bands = matrix(files["bands"])
    files = files.select(["repo", "path", "signature"]).take(np.repeat(np.arange(len(bands)), bands.shape[1]))
    files = files.append_column("bucket", pa.array(bands.ravel() % buckets))
    return files.append_column("band", pa.array(bands.ravel()))


def dropped(rows):
    """The files of a bucket that a repository with a smaller name has, too; once per band."""
    rows, found = rows.sort_by([("band", "ascending"), *ORDER]), []
    bands, signatures = rows["band"].to_numpy(), matrix(rows["signature"])
    repos, paths = rows["repo"].to_pylist(), rows["path"].to_pylist()
    starts = [0, *(np.flatnonzero(np.diff(bands)) + 1), len(bands)]
    for start, end in zip(starts, starts[1:]):
        if repos[start] == repos[end - 1]:
            continue
        # Of equal signatures, only the first counts: it has the smallest name.
        distinct, first, which = np.unique(signatures[start:end], axis=0, return_index=True, return_inverse=True)
        nearest = [start + first[(distinct == one).sum(axis=1) >= ALIKE].min() for one in distinct]
        for at, near in zip(range(start, end), (nearest[n] for n in which.ravel())):
            if repos[near] < repos[at]:
                found.append((repos[at], paths[at], f"{repos[near]}:{paths[near]}"))
    return pa.table([pa.array([row[n] for row in found], pa.string()) for n in range(3)], NAMES)


def one_for_each(rows):
    """For each file, the smallest name of its duplicates in all bands."""
    found = sorted(zip(*(rows[name].to_pylist() for name in NAMES)), reverse=True)
    smallest = {(repo, path): other for repo, path, other in found}
    return pa.table([[repo for repo, _ in smallest], [path for _, path in smallest], list(smallest.values())], NAMES)


def matrix(column):
    lists = column.combine_chunks()
    return lists.flatten().to_numpy().reshape(len(lists), -1) if len(lists) else np.zeros((0, 1), np.int64)
