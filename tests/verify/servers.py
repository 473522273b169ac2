"""Real servers on free ports of this machine, each in a directory of its own and ended by its process."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gcpdiag.verify.address import Address

HOST = "127.0.0.1"
_READY_WITHIN = 60.0  # seconds; it takes a tenth of one
_PAUSE = 0.02


def free_port() -> int:
    with socket.socket() as one:
        one.bind((HOST, 0))
        port: int = one.getsockname()[1]
        return port


def binary(name: str, *, package: str, beside: str = "") -> str:
    """The path of a server's binary; a test without it fails, since a skipped one would tell nothing."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}")) if beside == "postgresql" else []
    found = str(places[-1]) if places else shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    assert found, f"{name} is missing: apt-get install -y --no-install-recommends {package}"
    return found


@dataclass(frozen=True, kw_only=True)
class Running:
    """A server that answers, and where."""

    address: Address
    home: Path


@contextlib.contextmanager
def process(command: Sequence[str | Path], address: Address, home: Path, *, user: str = "") -> Iterator[Running]:
    """Run a server until its port accepts connections, and then for as long as it is needed."""
    log = home / "server.log"
    with log.open("wb") as out:
        running = subprocess.Popen(
            [str(one) for one in command],
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            user=user or None,
            env={"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8"},
        )
        try:
            _await_port(running, address, log)
            yield Running(address=address, home=home)
        finally:
            running.terminate()
            try:
                running.wait(timeout=10)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()


def _await_port(running: subprocess.Popen[bytes], address: Address, log: Path) -> None:
    until = time.monotonic() + _READY_WITHIN
    while time.monotonic() < until:
        assert running.poll() is None, f"the server ended: {log.read_text(errors='replace')[-2000:]}"
        with contextlib.suppress(OSError), socket.create_connection((address.host, address.port), timeout=1):
            return
        time.sleep(_PAUSE)
    raise AssertionError(f"no server at {address}: {log.read_text(errors='replace')[-2000:]}")


def _unprivileged() -> str:
    """The user that a server runs as which refuses to be root; empty where nobody needs another one."""
    if os.geteuid() != 0:
        return ""
    return "postgres" if any(one.pw_name == "postgres" for one in pwd.getpwall()) else "nobody"


@contextlib.contextmanager
def postgresql(home: Path, *settings: str) -> Iterator[Running]:
    """A new PostgreSQL cluster; ``postgres`` logs in without a password, ``asked`` with ``s3cret-of-asked``."""
    postgres = binary("postgres", package="postgresql", beside="postgresql")
    initdb = binary("initdb", package="postgresql", beside="postgresql")
    user = _unprivileged()
    cluster = home / "cluster"
    cluster.mkdir(parents=True)
    for parent in (home, *home.parents):  # what pytest makes is for its own user alone
        if parent.stat().st_uid == os.geteuid() and str(parent).count("/") > 1:
            parent.chmod(parent.stat().st_mode | 0o011)
    if user:
        shutil.chown(home, user)
        shutil.chown(cluster, user)
    made = [initdb, "-D", cluster, "-A", "trust", "-U", "postgres", "--no-sync"]
    subprocess.run(
        [str(one) for one in made],
        check=True,
        capture_output=True,
        user=user or None,
        cwd=home,
        stdin=subprocess.DEVNULL,
    )
    (cluster / "pg_hba.conf").write_text(
        f"host all asked {HOST}/32 scram-sha-256\nhost all stranger {HOST}/32 reject\nhost all all {HOST}/32 trust\n"
    )
    address = Address(HOST, free_port())
    given = [
        f"listen_addresses={HOST}",
        f"unix_socket_directories={home}",
        "fsync=off",
        "shared_buffers=16MB",
        *settings,
    ]
    options = [part for one in given for part in ("-c", one)]
    is_ready = [binary("pg_isready", package="postgresql", beside="postgresql"), "-h", HOST, "-p", str(address.port)]
    with process([postgres, "-D", cluster, "-p", str(address.port), *options], address, home, user=user) as running:
        until = time.monotonic() + _READY_WITHIN
        while subprocess.run(is_ready, check=False, capture_output=True, cwd=home).returncode != 0:
            assert time.monotonic() < until, "PostgreSQL does not get ready"
            time.sleep(_PAUSE)
        yield running


@contextlib.contextmanager
def redis(home: Path, *settings: str) -> Iterator[Running]:
    """A new Redis server that keeps nothing."""
    home.mkdir(parents=True)
    address = Address(HOST, free_port())
    ports = ["--port", str(address.port)] if "--tls-port" not in settings else []
    command = [binary("redis-server", package="redis-server"), *ports, "--bind", HOST, "--save", "", *settings]
    if not ports:
        command = [str(address.port) if one == "PORT" else one for one in command]
    with process(command, address, home) as running:
        yield running


_CLICKHOUSE = """<yandex>
  <logger><level>error</level><console>1</console></logger>
  <http_port>{http}</http_port><tcp_port>{native}</tcp_port><listen_host>127.0.0.1</listen_host>
  <path>{home}/data/</path><tmp_path>{home}/tmp/</tmp_path><users_config>users.xml</users_config>
  <mark_cache_size>5368709</mark_cache_size><default_profile>default</default_profile>
  <default_database>default</default_database>
</yandex>
"""
_CLICKHOUSE_USERS = """<yandex>
  <profiles><default/></profiles><quotas><default/></quotas>
  <users>
    <default><password></password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota></default>
    <asked><password>s3cret-of-asked</password><networks><ip>::/0</ip></networks><profile>default</profile>
      <quota>default</quota></asked>
  </users>
</yandex>
"""


@contextlib.contextmanager
def clickhouse(home: Path) -> Iterator[tuple[Address, Address]]:
    """Debian's ClickHouse: the addresses of its HTTP port and of its native one."""
    home.mkdir(parents=True)
    http, native = Address(HOST, free_port()), Address(HOST, free_port())
    (home / "config.xml").write_text(_CLICKHOUSE.format(http=http.port, native=native.port, home=home))
    (home / "users.xml").write_text(_CLICKHOUSE_USERS)
    server = binary("clickhouse-server", package="clickhouse-server")
    command = [server, f"--config-file={home / 'config.xml'}"]
    # Its native port opens after the other one.
    with process(command, http, home), socket.create_connection((native.host, native.port), timeout=10):
        yield http, native
