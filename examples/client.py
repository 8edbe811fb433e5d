#!/usr/bin/env python3
"""Asks a running `tamiz serve` about files.

    pip install -r examples/requirements.txt
    python3 examples/client.py FILE...                      one call per file
    python3 examples/client.py --stream FILE...             all files on one stream, answers as they come
    python3 examples/client.py --kind tool-metadata FILE... what the files are

Exits with 0 if nothing is to be blocked, 1 if something is, 2 if something could not be asked. Needs the service at --address
(default 127.0.0.1:50051).
"""

import argparse
import importlib
import pathlib
import sys
import tempfile

import grpc
from grpc_tools import protoc

PROTO = pathlib.Path(__file__).resolve().parent.parent / "proto"
SERVICE = "tamiz/v1/inspection.proto"


def give_up(why):
    print(f"error: {why}", file=sys.stderr)
    sys.exit(2)


def stubs():
    """Makes the stubs and imports them. A program of yours would do this once, at build time:

    python3 -m grpc_tools.protoc -I proto --python_out=. --grpc_python_out=. tamiz/v1/inspection.proto
    """
    with tempfile.TemporaryDirectory() as folder:
        # google/rpc/status.proto is in proto/ for the compiler; Python has it from googleapis-common-protos.
        arguments = ["protoc", f"-I{PROTO}", f"--python_out={folder}", f"--grpc_python_out={folder}", SERVICE]
        bundled = pathlib.Path(protoc.__file__).parent / "_proto"
        if protoc.main([*arguments, f"-I{bundled}"]) != 0:
            give_up(f"the stubs could not be made from {PROTO / SERVICE}")
        sys.path.insert(0, folder)
        return importlib.import_module("tamiz.v1.inspection_pb2"), importlib.import_module("tamiz.v1.inspection_pb2_grpc")


pb, rpc = stubs()


def request(path, kind):
    """A request for one file; its path doubles as the id that a stream needs."""
    content = pathlib.Path(path).read_bytes()
    return pb.InspectRequest(id=path[-256:], path=path, content=content, kind=kind, include_excerpts=True)


def show(path, report):
    """Prints a verdict with its findings; says whether it is to be blocked."""
    action = pb.Action.Name(report.verdict.action).removeprefix("ACTION_").lower()
    print(f"{action:6} {path}  score {report.verdict.score:.2f}")
    for finding in report.findings:
        place = f"bytes {finding.span.start}..{finding.span.end} {finding.pointer}".rstrip()
        print(f"       {finding.rule} at {place}: {finding.excerpt!r}")
    for skipped in report.coverage.skipped:
        print(f"       not inspected: {skipped.what}: {skipped.why}")
    return report.verdict.action == pb.ACTION_BLOCK


def main():
    parser = argparse.ArgumentParser(description="Asks a running `tamiz serve` about files.")
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--address", default="127.0.0.1:50051")
    kinds = [name.removeprefix("CONTENT_KIND_").replace("_", "-").lower() for name in pb.ContentKind.keys()[1:]]
    parser.add_argument("--kind", choices=kinds, default="tool-output")
    parser.add_argument("--stream", action="store_true", help="one stream instead of one call per file")
    arguments = parser.parse_args()
    kind = pb.ContentKind.Value("CONTENT_KIND_" + arguments.kind.replace("-", "_").upper())

    blocked = False
    with grpc.insecure_channel(arguments.address) as channel:
        service = rpc.InspectionServiceStub(channel)
        try:
            if arguments.stream:
                requests = (pb.InspectStreamRequest(request=request(path, kind)) for path in arguments.files)
                for answer in service.InspectStream(requests):
                    if answer.HasField("error"):
                        give_up(f"{answer.id}: {answer.error.message}")
                    blocked |= show(answer.id, answer.report)
            else:
                for path in arguments.files:
                    # A deadline ends the inspection, not the answer: what was left by then is in the coverage.
                    answer = service.Inspect(request(path, kind), timeout=10)
                    blocked |= show(path, answer.report)
        except grpc.RpcError as error:
            give_up(f"{arguments.address}: {error.code().name}: {error.details()}")
        except OSError as error:
            give_up(str(error))
    return int(blocked)


if __name__ == "__main__":
    sys.exit(main())
