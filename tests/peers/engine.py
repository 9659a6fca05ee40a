# SPDX-License-Identifier: Apache-2.0
"""The engine as Python sees it: the probe, a process that answers one line per command (probe.c)."""

import subprocess

import torch


class EngineError(Exception):
    """The engine's own words about why it would not."""


class Engine:
    def __init__(self, program, env=None):
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=env
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def ask(self, *words):
        """Sends a command; returns the words of its answer."""
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise EngineError(f"the probe ended at '{words[0]}' (exit {self.process.wait()})")
        verdict, _, rest = answer.strip().partition(" ")
        if verdict != "ok":
            raise EngineError(rest)
        return rest.split()

    def numbers(self, *words):
        return [float(word) for word in self.ask(*words)]

    def new(self, **settings):
        self.ask("new", *(f"{name}={float(value):.17g}" for name, value in settings.items()))

    def array(self, command, path):
        """What a command that writes an array wrote, flat."""
        self.ask(command, path)
        with open(path, "rb") as file:
            return torch.frombuffer(bytearray(file.read()), dtype=torch.float32)
