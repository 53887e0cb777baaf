"""What a script does with httpx; `http2` as second argument lets it speak HTTP/2."""

import sys

import httpx

url = sys.argv[1]
with httpx.Client(http2=sys.argv[2:] == ["http2"], follow_redirects=True) as client:
    print(client.get(f"{url}/get", params={"q": "a b"}).json()["args"])
    answer = client.post(f"{url}/anything", json={"name": "ada"})
    print(answer.http_version, answer.json()["json"])
    print([str(step.url).removeprefix(url) for step in client.get(f"{url}/redirect/2").history])
    print(client.get(f"{url}/brotli").status_code, client.delete(f"{url}/anything").json()["method"])
    files = {"file": ("a.txt", b"content of a file")}
    print(client.post(f"{url}/anything", files=files).json()["files"])
