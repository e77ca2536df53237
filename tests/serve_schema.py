"""What the OpenAPI of ``shizi serve`` says, asked for at random by schemathesis.

    pip install schemathesis
    python tests/serve_schema.py --examples 50

Reading is stood in for. Every answer must be of a status, a media type, headers and a shape that
the schema names, and none of 500. What fits the schema may be refused all the same, for it cannot
say all (a quad has an area); and Umi-OCR tells what is wrong in the body of a 200.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from serving import served

from shizi.serve.options import ServeOptions

CONFIG = """
[[operations]]
include-path = "/api/ocr"
checks.negative_data_rejection.enabled = false
"""


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=20, help="of each kind and operation")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "schemathesis.toml").write_text(CONFIG)
        options = ServeOptions(port=0, workers=1, collect=folder / "set")
        with served(options) as api:
            command = [sys.executable, "-m", "schemathesis.cli", "run", f"{api.url}/openapi.json"]
            command += ["--exclude-checks", "positive_data_acceptance", "--seed", str(given.seed)]
            command += ["--max-examples", str(given.examples)]
            return subprocess.run(command, cwd=folder).returncode


if __name__ == "__main__":
    sys.exit(main())
