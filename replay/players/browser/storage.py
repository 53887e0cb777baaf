"""What a browser holds when its replay starts: the recorded cookies, local storage and databases.

Cookies are set at once. Storage belongs to documents: the first one of an origin finds it filled, before any script of
its own has run. Databases are opened then and filled in the change of their version, for which whatever the page asks
of them waits.
"""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

_MOST_COOKIES = 3000
_SITES = {"Strict", "Lax", "None"}


class Cookie(Struct, frozen=True):
    name: str
    value: str
    domain: str
    path: str = "/"
    expires: float = -1
    http_only: bool = msgspec.field(default=False, name="httpOnly")
    secure: bool = False
    same_site: str = msgspec.field(default="", name="sameSite")


class Item(Struct, frozen=True):
    name: str
    value: str


class Origin(Struct, frozen=True):
    origin: Annotated[str, Meta(max_length=2048)]
    local: list[Item] = msgspec.field(default_factory=list, name="localStorage")
    databases: list[Any] = msgspec.field(default_factory=list, name="indexedDB")


class Storage(Struct, frozen=True):
    """Playwright's storage state, as far as it is restored."""

    cookies: list[Cookie] = []
    origins: list[Origin] = []


def decode(data: bytes) -> Storage:
    """The storage state in `data`. Raises ValueError for what is none."""
    try:
        return msgspec.json.decode(data, type=Storage)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def cookies(storage: Storage) -> list[dict[str, object]]:
    """Its cookies, as the debugging protocol wants them."""
    made: list[dict[str, object]] = []
    for cookie in storage.cookies[:_MOST_COOKIES]:
        one: dict[str, object] = {
            "name": cookie.name,
            "value": cookie.value,
            "domain": cookie.domain,
            "path": cookie.path,
            "httpOnly": cookie.http_only,
            "secure": cookie.secure,
        }
        if cookie.expires > 0:
            one["expires"] = cookie.expires
        if cookie.same_site in _SITES:
            one["sameSite"] = cookie.same_site
        made.append(one)
    return made


def scripts(storage: Storage) -> dict[str, str]:
    """Origin -> what fills its local storage and its databases, where nothing is in them yet."""
    return {
        one.origin: f"({_FILL})({json.dumps(one.origin)}, "
        f"{json.dumps([[item.name, item.value] for item in one.local])}, {json.dumps(one.databases)})"
        for one in storage.origins
        if one.local or one.databases
    }


def origin_of(url: str) -> str:
    """The origin of an address; empty where it has none."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


_FILL = """(origin, items, databases) => {
  if (self.origin !== origin) return;
  if (!localStorage.length) for (const [name, value] of items) localStorage.setItem(name, value);
  const simple = { undefined, null: null, NaN, Infinity, "-Infinity": -Infinity, "-0": -0 };
  const arrays = {
    i8: Int8Array, ui8: Uint8Array, ui8c: Uint8ClampedArray, i16: Int16Array, ui16: Uint16Array, i32: Int32Array,
    ui32: Uint32Array, f32: Float32Array, f64: Float64Array, bi64: BigInt64Array, bui64: BigUint64Array,
  };
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
  const decode = (said, seen) => {
    if (typeof said !== "object" || said === null) return said;
    if ("ref" in said) return seen.get(said.ref);
    if ("v" in said) return simple[said.v];
    if ("d" in said) return new Date(said.d);
    if ("bi" in said) return BigInt(said.bi);
    if ("r" in said) return new RegExp(said.r.p, said.r.f);
    if ("ta" in said) return new arrays[said.ta.k](bytes(said.ta.b));
    if ("ab" in said) return bytes(said.ab.b);
    const made = "a" in said ? [] : {};
    seen.set(said.id, made);
    for (const one of said.a ?? []) made.push(decode(one, seen));
    for (const { k, v } of said.o ?? []) made[k] = decode(v, seen);
    return made;
  };
  const value = (record, name) =>
    name + "Encoded" in record ? decode(record[name + "Encoded"], new Map()) : record[name];
  const fill = (database, { name, keyPath, keyPathArray, autoIncrement, indexes, records }) => {
    const store = database.createObjectStore(name, { keyPath: keyPathArray ?? keyPath ?? null, autoIncrement });
    for (const { name, keyPath, keyPathArray, unique, multiEntry } of indexes ?? [])
      store.createIndex(name, keyPathArray ?? keyPath, { unique, multiEntry });
    for (const record of records ?? []) store.add(value(record, "value"), value(record, "key"));
  };
  for (const { name, version, stores } of databases) {
    const opening = indexedDB.open(name, version);
    opening.onupgradeneeded = ({ oldVersion }) => {
      if (oldVersion === 0) for (const store of stores ?? []) fill(opening.result, store);
    };
    opening.onsuccess = () => opening.result.close();
    opening.onerror = (event) => event.preventDefault(); // it was there, in a later version
  }
}"""
