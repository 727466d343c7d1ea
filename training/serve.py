"""Serves a GGUF model with llama.cpp's own HTTP server until the input ends.

    serve.py tuned.gguf --tuned tuned/tuned.json

Prints the settings with which fimd asks it. The same server as a program is
`llama-server -m tuned.gguf --port 8012 -c 4096`.

Install requirements.txt first.
"""

import argparse
import pathlib
import sys

import xllamacpp


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=pathlib.Path, help="GGUF file")
    parser.add_argument("--tuned", type=pathlib.Path, help="tuned.json of the model")
    parser.add_argument("--port", type=int, default=8012, help="0: one that is free")
    parser.add_argument("--context", type=int, default=4096, help="tokens of a prompt and answer")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    params = xllamacpp.CommonParams()
    params.model.path = str(args.model)
    params.hostnames = ["127.0.0.1"]
    params.port = args.port
    params.n_ctx = args.context
    params.n_parallel = 1
    params.cpuparams.n_threads = args.threads
    params.cpuparams_batch.n_threads = args.threads
    server = xllamacpp.Server(params)
    print(f'[endpoint]\nurl = "{server.listening_address}"', flush=True)
    if args.tuned:
        print(f'[completion]\ntuned = "{args.tuned.resolve()}"', flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
