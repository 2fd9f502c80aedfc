"""`rc2hub check`: says in sentences what is wrong with a configuration and its services, and sets the exit code."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rc2hub.local import database
from rc2hub.processes import free_ports
from tests.fixtures.postgres import Postgres

HEAD = 'from rc2hub.configure import install\nc = get_config()\nc.JupyterHub.spawner_class = "rc2-process"\n'


@pytest.fixture
def run(tmp_path: Path):
    def check(text: str, head: str = HEAD, end: str = "install(c)\n") -> subprocess.CompletedProcess[str]:
        (tmp_path / "jupyterhub_config.py").write_text(f"{head}{text}\n{end}")
        command = [str(Path(sys.executable).with_name("rc2hub")), "check", "-f", "jupyterhub_config.py"]
        environment = {**os.environ, "S3CRET": "s3cret"}
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert "s3cret" not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    return check


def catalogue(**entries: dict[str, Any]) -> str:
    return f"c.SharedServices.catalogue = {entries!r}"


def flights(postgres: Postgres, **fields: Any) -> dict[str, Any]:
    return {"kind": "postgres", **database.entry(postgres.directory, "postgres"), **fields}


def test_a_configuration_whose_services_answer_is_right(run, postgres: Postgres):
    spark = {"kind": "spark", "gateway": "sc://127.0.0.1:15002"}
    done = run(catalogue(flights=flights(postgres), spark=spark))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "flights: answers\nspark: not checked, because the hub starts its gateway\n"


def test_every_service_that_does_not_answer_is_named(run, postgres: Postgres):
    (port,) = free_ports(1)
    away = {"url": f"postgresql://rc2@127.0.0.1:{port}/postgres"}
    gateway = {"kind": "spark", "gateway": f"sc://127.0.0.1:{port}", "admin": {"env": "S3CRET"}}
    done = run(catalogue(flights=flights(postgres), orders=flights(postgres, **away), spark=gateway))
    assert (done.returncode, done.stdout) == (1, "flights: answers\n")
    orders, spark = done.stderr.splitlines()[-2:]
    assert orders.startswith(f"rc2hub: orders: PostgreSQL at 127.0.0.1:{port} does not answer")
    assert spark.startswith("rc2hub: spark: ")


def test_a_wrong_password_is_told_with_the_words_of_the_database(run, postgres: Postgres):
    done = run(catalogue(flights=flights(postgres, admin={"env": "S3CRET"})))
    assert done.returncode == 1
    assert 'password authentication failed for user "rc2"' in done.stderr


def test_a_credential_that_cannot_be_read_is_named(run, postgres: Postgres):
    done = run(catalogue(flights=flights(postgres, admin={"file": "/nowhere"})))
    assert done.returncode == 1
    assert "cannot read its credential from the file /nowhere" in done.stderr


def test_a_mistake_is_one_sentence(run):
    done = run('c.Profiles.catalogue = [{"name": "r-"}]')
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("rc2hub: c.Profiles.catalogue[0]: 'name' must be a lower-case letter")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("import nothing_of_that_name", "line 4, raises ModuleNotFoundError: No module named 'nothing_of_that_name'."),
        ("c.JupyterHub.port = (", "line 4, raises SyntaxError: '(' was never closed"),
        ("int('s3cret')", "line 4, raises ValueError."),
    ],
)
def test_an_exception_of_the_file_is_named_with_its_line(run, text: str, sentence: str):
    done = run(text)
    assert done.returncode == 1
    assert f"rc2hub: jupyterhub_config.py, {sentence}" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_configuration_without_install_is_named(run):
    done = run("", end="")
    assert done.returncode == 1
    assert done.stderr == "rc2hub: jupyterhub_config.py does not call install(c); write it as the last line.\n"


def test_a_missing_file_is_named(tmp_path: Path):
    command = [str(Path(sys.executable).with_name("rc2hub")), "check", "--config", str(tmp_path / "hub.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert (
        done.stderr == f"rc2hub: there is no file {tmp_path}/hub.py; name JupyterHub's configuration file with --config.\n"
    )
