"""A Home Assistant of its own, without the internet: started, set up as a new user would do it, asked."""

import json
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

ASKS = Path(__file__).with_name("homeassistant_asks.py")
CLIENT = "http://127.0.0.1/"
START_S = 120.0
MAIN = """
import sys, homeassistant.const
homeassistant.const.REQUIRED_PYTHON_VER = sys.version_info[:3]
from homeassistant.__main__ import main
sys.exit(main())
"""
"""It asks for the latest patch of Python, and does without."""

CONFIGURATION = """
homeassistant:
  country: "NO"
  time_zone: Europe/Oslo
http:
  server_host: 127.0.0.1
  server_port: {port}
api:
recorder:
  commit_interval: 1
history:
energy:
logger:
  default: warning
"""

Json = dict[str, Any]
T = TypeVar("T")


def until(seek: Callable[[], T], seconds: float, what: str | Callable[[], str], *, every: float = 0.1) -> T:
    """What `seek` finds once it finds something; fails after so many seconds, saying what was waited for."""
    deadline = time.monotonic() + seconds
    while not (found := seek()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what if isinstance(what, str) else what()}")
        time.sleep(every)
    return found


class HomeAssistant:
    """A server in a folder of its own; all that it ever logs is in `log`."""

    def __init__(self, python: str, folder: Path, port: int) -> None:
        self._python, self._folder, self._port = python, folder, port
        self._process: subprocess.Popen[bytes] | None = None
        self._token = ""
        self._looked_at = 0
        self._log = folder / "output.log"
        (folder / "configuration.yaml").write_text(CONFIGURATION.format(port=port))

    def start(self) -> None:
        """Come up, as far as running."""
        command = [self._python, "-c", MAIN, "-c", str(self._folder), "--skip-pip"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([*command, "--log-no-color"], stdout=log, stderr=log)
        until(self._answers, START_S, lambda: f"Home Assistant answers\n{self.log[-2000:]}")
        if not self._token:
            self._onboard()
        until(lambda: self.get("config")["state"] == "RUNNING", START_S, "Home Assistant runs")

    def stop(self) -> None:
        """End as the operating system asks it to."""
        if self._process:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(60)
            finally:
                self._process.kill()
            self._process = None

    @property
    def log(self) -> str:
        """All that was logged, over all starts."""
        return self._log.read_text()

    def trouble(self) -> list[str]:
        """What was logged as a warning or an error since the last call, and what it shows as repairs."""
        logged = self.log
        new, self._looked_at = logged[self._looked_at :], len(logged)
        (issues,) = self.ask({"type": "repairs/list_issues"})
        found = re.findall(r"^\S+ \S+ (?:WARNING|ERROR|CRITICAL) .*", new, re.M)
        return [*found, *map(str, issues["issues"])]

    def add_mqtt(self, port: int) -> None:
        """What a user clicks to add a broker."""
        form = self.post("config/config_entries/flow", {"handler": "mqtt"})
        filled = self.post(
            f"config/config_entries/flow/{form['flow_id']}", {"broker": "127.0.0.1", "port": port}
        )
        assert filled["type"] == "create_entry", filled

    def states(self) -> dict[str, Json]:
        """All entities' states, by entity id."""
        return {state["entity_id"]: state for state in self.get("states")}

    def get(self, path: str) -> Any:
        """Of the REST API."""
        return self._request(path, None)

    def post(self, path: str, data: Json) -> Any:
        """To the REST API."""
        return self._request(path, json.dumps(data).encode())

    def ask(self, *commands: Json) -> list[Any]:
        """The results of commands of the websocket API."""
        command = [self._python, str(ASKS), str(self._port), self._token]
        given = json.dumps(commands)
        result = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        answers: list[Any] = json.loads(result.stdout)
        return answers

    def _answers(self) -> bool:
        assert self._process, "not started"
        assert self._process.poll() is None, f"Home Assistant ended:\n{self.log}"
        try:
            self._request("onboarding" if not self._token else "config", None)
        except OSError as error:
            return isinstance(error, HTTPError) and error.code == 401
        return True

    def _onboard(self) -> None:
        """Make the owner, and take a token."""
        who = {"name": "Owner", "username": "owner", "password": "interop", "language": "en"}
        code = self.post("onboarding/users", {"client_id": CLIENT, **who})["auth_code"]
        form = {"grant_type": "authorization_code", "code": code, "client_id": CLIENT}
        self._token = self._request("../auth/token", urlencode(form).encode(), "x-www-form-urlencoded")[
            "access_token"
        ]

    def _request(self, path: str, data: bytes | None, kind: str = "json") -> Any:
        path = path.removeprefix("../") if path.startswith("../") else f"api/{path}"
        headers = {"Content-Type": f"application/{kind}"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        with urlopen(Request(f"http://127.0.0.1:{self._port}/{path}", data, headers), timeout=20) as answer:
            return json.load(answer)
