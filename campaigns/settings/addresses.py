"""Addresses of the store and the broker: how they are read, checked, and shown without passwords.

A wrong address raises ValueError with the reason and a remedy. The message never quotes the address, since any part
of it may be a password. Each kind of address has an entry in `_KINDS` and a function that checks it.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from redis import ConnectionPool, RedisError
from redis.connection import parse_url

from campaigns.settings import sentinels

#: Options that the address of a Redis server may have. redis-py has more, but their values are objects, which an
#: address cannot hold, or they would change the types of replies.
_REDIS_OPTIONS: Final = frozenset(
    {
        "db", "username", "password", "client_name", "protocol", "max_connections", "health_check_interval",
        "socket_timeout", "socket_connect_timeout", "socket_read_size", "socket_keepalive", "retry_on_timeout",
        "ssl_cert_reqs", "ssl_ca_certs", "ssl_ca_path", "ssl_ca_data", "ssl_certfile", "ssl_keyfile", "ssl_password",
        "ssl_check_hostname", "ssl_min_version", "ssl_ciphers", "ssl_include_verify_flags", "ssl_exclude_verify_flags",
    }
)  # fmt: skip
_AMQP_OPTIONS: Final = frozenset(
    {"heartbeat", "queue_type", "ssl_cert_reqs", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_server_hostname"}
)
_FILES: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_ca_path")
_SECONDS: Final = ("socket_timeout", "socket_connect_timeout")
_REDIS_SCHEMES: Final = ("redis", "rediss", "unix", *sentinels.SCHEMES)
_VERIFY: Final = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}
#: OpenSSL's reasons when a key does not belong to a certificate; the last when their types differ.
_OTHERS_KEY: Final = {"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED"}
#: A `;` between two addresses. Any other `;` belongs to a password.
_BETWEEN: Final = re.compile(r";(?=[a-z+]+://)", re.IGNORECASE)
#: Common wrong schemes, and what to write instead.
_INSTEAD: Final = {
    "valkey": "write redis://",
    "valkeys": "write rediss://",
    "redis+socket": "write unix:///PATH?db=0",
    "redis+tls": "write rediss://",
    "redis+ssl": "write rediss://",
    "redis+sentinel": "write sentinel://HOST:26379,HOST:26379/NAME/0",
    "redis-sentinel": "write sentinel://HOST:26379,HOST:26379/NAME/0",
    "rediss+sentinel": "write sentinels://HOST:26379,HOST:26379/NAME/0",
    "rediss-sentinel": "write sentinels://HOST:26379,HOST:26379/NAME/0",
    "pyamqps": "write amqps://",
}


class Amqp(NamedTuple):
    """What kombu needs for RabbitMQ: the address without options, options of TLS (False: no TLS), seconds between
    heartbeats (None: the default), and the type of the queues (empty: the virtual host's default)."""

    url: str
    tls: dict[str, Any] | bool
    heartbeat_s: float | None
    queue_type: str


def store_url(raw: str) -> str:
    """Check the address of a Redis server, or of Sentinels that name it. Returns its normal form. Raises ValueError."""
    return _checked(raw, _REDIS_SCHEMES)


def broker_url(raw: str) -> str:
    """Check the address of a broker: Redis, or RabbitMQ servers separated by `;`. Raises ValueError."""
    addresses = _BETWEEN.split(raw.strip())
    if len(addresses) == 1 or addresses[0].lower().startswith(("sentinel://", "sentinels://")):
        return _checked(raw, (*_REDIS_SCHEMES, "amqp", "amqps", "pyamqp"))
    checked = [_checked(address, ("amqp", "amqps", "pyamqp")) for address in addresses]
    if len({address.partition("?")[2] for address in checked}) > 1 or len({is_tls(address) for address in checked}) > 1:
        raise ValueError("names several servers: give them the same scheme and the same options")
    if is_tls(checked[0]) and "ssl_server_hostname=" not in checked[0] and amqp(checked[0]).tls:
        raise ValueError("names several servers: add ssl_server_hostname=NAME, a name in all of their certificates")
    return ";".join(checked)


def is_amqp(url: str) -> bool:
    """Whether a checked address is that of RabbitMQ."""
    return url.startswith(("amqp://", "amqps://"))


def is_tls(url: str) -> bool:
    """Whether a checked address asks for TLS."""
    return url.startswith(("amqps://", "rediss://", "sentinels://"))


def place(url: str) -> str:
    """A checked address for people, without a password: host and port, path of a socket, or primary and Sentinels."""
    if sentinels.is_sentinels(url):
        return sentinels.read(url).place
    shown = []
    for address in _BETWEEN.split(url):
        parts = urlsplit(address)
        host = unquote(parts.hostname or "localhost")
        host = f"[{host}]" if ":" in host else host
        port = f":{parts.port}" if parts.port else ""
        shown.append(unquote(parts.path) if parts.scheme == "unix" else f"{host}{port}")
    return ", ".join(shown)


def redis_options(url: str) -> dict[str, Any]:
    """The options of a checked address, for redis-py's connection pool and connections.

    For an address of Sentinels the host is the first Sentinel; callers must ask the Sentinels for the server. The store
    and Celery's transport both connect with these options. TLS verifies the certificate and the host name unless the
    address has `ssl_cert_reqs=none`. That is redis-py's default, but not kombu's.
    """
    server = sentinels.read(url).server if sentinels.is_sentinels(url) else url
    options: dict[str, Any] = parse_url(_plain_words(server))  # type: ignore[no-untyped-call]
    return options


def amqp(url: str) -> Amqp:
    """What kombu needs for a checked address of RabbitMQ. By default py-amqp verifies neither certificate nor name."""
    addresses = _BETWEEN.split(url)
    bare = ";".join(address.partition("?")[0] for address in addresses)
    options = dict(parse_qsl(urlsplit(addresses[0]).query))
    heartbeat_s = float(options["heartbeat"]) if "heartbeat" in options else None
    found = Amqp(bare, tls=False, heartbeat_s=heartbeat_s, queue_type=options.get("queue_type", ""))
    if not is_tls(url):
        return found
    tls: dict[str, Any] = {"cert_reqs": _VERIFY[_verify_word(options.get("ssl_cert_reqs", "required"))]}
    tls |= {name.removeprefix("ssl_"): options[name] for name in _FILES if name in options}
    if tls["cert_reqs"] != ssl.CERT_NONE:
        host = urlsplit(addresses[0]).hostname or "localhost"
        tls["server_hostname"] = options.get("ssl_server_hostname", unquote(host))
    return found._replace(tls=tls)


def _checked(raw: str, schemes: tuple[str, ...]) -> str:
    raw = raw.strip()
    scheme, separator, rest = raw.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in schemes:
        raise ValueError(_wrong_scheme(scheme if separator else "", schemes))
    # kombu splits an address at every ';'.
    if scheme in sentinels.SCHEMES and _BETWEEN.search(raw):
        raise ValueError("names each Sentinel with a scheme: write sentinel://HOST:26379,HOST:26379/NAME/0")
    url = f"{'amqp' if scheme == 'pyamqp' else scheme}://{rest.replace(';', '%3B')}"
    _check_characters(url)
    names = [name for name, _ in parse_qsl(url.partition("?")[2], keep_blank_values=True)]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"has the option {twice[0]!r} twice")
    url = sentinels.with_one_host(url) if scheme in sentinels.SCHEMES else url
    server = sentinels.read(url).server if scheme in sentinels.SCHEMES else url
    parts = _split(server)
    _KINDS[parts.scheme](server, parts)
    return url


def _wrong_scheme(scheme: str, schemes: tuple[str, ...]) -> str:
    listed = [f"{known}://" for known in schemes if known != "pyamqp"]
    reason = f"must be a URL that starts with {', '.join(listed[:-1])} or {listed[-1]}"
    if scheme in _INSTEAD:
        return f"{reason}: {_INSTEAD[scheme]}"
    close = get_close_matches(scheme, schemes, 1)
    return f"{reason}: did you mean {close[0]}://?" if close else reason


def _check_characters(url: str) -> None:
    if any(character.isspace() or not character.isprintable() for character in url):
        raise ValueError("holds a space or a control character; in a password, write a space as %20")
    if "#" in url:
        raise ValueError("holds '#': write it as %23; in a password, / is %2F, ? is %3F, @ is %40")


def _split(url: str) -> SplitResult:
    """The parts of an address. Raises ValueError with the probable mistake."""
    encoded = "in a password, write / as %2F, ? as %3F and @ as %40"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(f"has no readable host and port, such as HOST:6379; {encoded}") from None
    if port == 0:
        raise ValueError("has port 0, on which no server listens")
    if "@" in parts.path:
        raise ValueError(f"has '@' after its host; {encoded}")
    return parts


def _check_redis(url: str, parts: SplitResult) -> None:
    if parts.scheme == "unix":
        if parts.hostname or not parts.path.strip("/"):
            raise ValueError("must have three slashes and a path, such as unix:///run/redis.sock?db=0")
    elif parts.path.strip("/") and not unquote(parts.path).removeprefix("/").isdecimal():
        raise ValueError("has a database that is not a number, such as the 0 in redis://HOST:6379/0")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    _check_names(options, _REDIS_OPTIONS, "" if parts.scheme == "rediss" else "rediss:// or sentinels")
    for name, value in options.items():
        _check_option(parts.scheme, name, value)
    _check_files(options)
    try:
        ConnectionPool.from_url(_plain_words(url)).make_connection()
    except (RedisError, ValueError, TypeError):
        raise ValueError("has options that redis-py refuses in combination") from None


def _check_option(scheme: str, name: str, value: str) -> None:
    """Check one option by having redis-py make a connection object with it, without connecting."""
    wrong = ValueError(f"has an option {name!r} with a value that cannot be used")
    try:
        base = "unix:///x" if scheme == "unix" else f"{scheme}://h"
        query = urlencode({name: value})
        ConnectionPool.from_url(_plain_words(f"{base}?{query}")).make_connection()
        options = redis_options(f"{base}?{query}")
        if name in _SECONDS and not 0 < options[name] <= 86_400:
            raise wrong
        if name == "ssl_min_version":
            ssl.TLSVersion(options[name])
    except (RedisError, ValueError, TypeError, OverflowError):
        raise wrong from None
    if not value or (name in {"db", "health_check_interval", "max_connections"} and options[name] < 0):
        raise wrong


def _check_amqp(_url: str, parts: SplitResult) -> None:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    _check_names(options, _AMQP_OPTIONS, "" if parts.scheme == "amqps" else "amqps")
    if not options.get("heartbeat", "0").isdecimal() or len(options.get("heartbeat", "")) > 5:
        raise ValueError("has an option 'heartbeat' with a value that cannot be used: it is whole seconds")
    if options.get("queue_type", "quorum") not in {"classic", "quorum"}:
        raise ValueError("has an option 'queue_type' that is not one of classic, quorum")
    if _verify_word(options.get("ssl_cert_reqs", "none")) not in _VERIFY:
        raise ValueError("has an option 'ssl_cert_reqs' that is not one of none, optional, required")
    _check_files(options)


def _check_names(options: Mapping[str, str], known: frozenset[str], secure: str) -> None:
    """Refuse unknown options. `secure` is the scheme that options of TLS need, '' if the address has it."""
    for name in options:
        if name not in known:
            # Quoted only if it looks like an option's name, since the text after '?' may be the rest of a password.
            shown = f", {name!r}" if re.fullmatch(r"[a-z]+(_[a-z]+)*", name) else ""
            listed = ", ".join(sorted(option for option in known if not secure or not option.startswith("ssl_")))
            raise ValueError(f"has an option that cannot be set here{shown}; the known ones are {listed}")
        if secure and name.startswith("ssl_"):
            raise ValueError(f"has the option {name!r}, which needs {secure}://")


def _check_files(options: Mapping[str, str]) -> None:
    """Refuse unusable TLS files now; otherwise every connection would fail later, with OpenSSL's messages."""
    for name in _FILES:
        if name in options and not Path(options[name]).exists():
            raise ValueError(f"has an option {name!r} that names a file that does not exist")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if "ssl_ca_certs" in options:
        try:
            context.load_verify_locations(options["ssl_ca_certs"])
        except OSError as error:
            raise ValueError(f"has an option 'ssl_ca_certs' whose file {_why_not(error)}") from None
    if "ssl_keyfile" in options and "ssl_certfile" not in options:
        raise ValueError("has an option 'ssl_keyfile' without 'ssl_certfile', the certificate of that key")
    if "ssl_certfile" in options:
        _check_own_certificate(context, options)


def _check_own_certificate(context: ssl.SSLContext, options: Mapping[str, str]) -> None:
    key = options.get("ssl_keyfile")
    try:
        # With None as the password, OpenSSL would prompt for one at the terminal.
        context.load_cert_chain(options["ssl_certfile"], key, options.get("ssl_password", ""))
    except OSError as error:
        if getattr(error, "reason", None) in _OTHERS_KEY:
            raise ValueError("has an option 'ssl_keyfile' whose key does not belong to 'ssl_certfile'") from None
        names = "'ssl_certfile' or 'ssl_keyfile'" if key else "'ssl_certfile' (which must hold the key, too)"
        raise ValueError(f"has an option {names} whose file {_why_not(error)}, or its key needs a password") from None


def _why_not(error: OSError) -> str:
    return "does not hold it as PEM" if isinstance(error, ssl.SSLError) else "cannot be read"


def _plain_words(url: str) -> str:
    """The address with OpenSSL's names of verify modes (`CERT_REQUIRED`), which kombu uses, replaced by redis-py's."""
    for word in _VERIFY:
        url = url.replace(f"ssl_cert_reqs=CERT_{word.upper()}", f"ssl_cert_reqs={word}")
    return url


def _verify_word(value: str) -> str:
    return value.removeprefix("CERT_").lower() if value.isupper() else value


_KINDS: Final[Mapping[str, Callable[[str, SplitResult], None]]] = {
    "redis": _check_redis,
    "rediss": _check_redis,
    "unix": _check_redis,
    "amqp": _check_amqp,
    "amqps": _check_amqp,
}
