"""What a script does with requests: a session with cookies, a form, JSON, a redirect, an error, a stream."""

import sys

import requests

url = sys.argv[1]
with requests.Session() as session:
    print(session.get(f"{url}/cookies/set/flavour/oat").json())
    print(session.post(f"{url}/anything", data={"name": "ada"}).json()["form"])
    print(session.put(f"{url}/anything", json={"deep": [1, {"x": None}]}).json()["json"])
    print(session.get(f"{url}/status/404").status_code, session.get(f"{url}/gzip").json()["gzipped"])
    print(session.get(f"{url}/basic-auth/me/pass", auth=("me", "pass")).json())
    with session.get(f"{url}/stream-bytes/70000?seed=7&chunk_size=1000", stream=True) as streamed:
        print(sum(len(chunk) for chunk in streamed.iter_content(4096)), "bytes")
