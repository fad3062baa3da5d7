"""Commands as a user types them, in a directory of their own, against real processes."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Shell:
    """A directory to run commands in."""

    directory: Path

    def run(self, *arguments: object) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "urbanchain", *map(str, arguments)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        return subprocess.run(
            command, cwd=self.directory, env=environment, capture_output=True, text=True, timeout=90
        )

    def succeed(self, *arguments: object) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def read(self, *arguments: object) -> Any:
        return json.loads(self.succeed(*arguments, "-o", "json"))

    def nodes(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.read("devnet", "status")["nodes"]
        return found
