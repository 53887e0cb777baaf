"""A program of the session's: orders something under a nonce of chance, and looks that it was told the same."""

import json
import sys
import time
import urllib.request
import uuid

site = sys.argv[1]
nonce = str(uuid.uuid4())
body = json.dumps({"what": "tea", "nonce": nonce, "at": time.time()}).encode()
request = urllib.request.Request(f"{site}/order", body, {"Content-Type": "application/json"})
with urllib.request.urlopen(request) as answer:
    said = json.load(answer)
    place = answer.headers["Location"]
assert place == f"/thing/{nonce}", (place, nonce)
with urllib.request.urlopen(site + place) as answer:
    thing = json.load(answer)
print(said["made"], said["nonce"] == nonce, thing == {"thing": "tea", "id": nonce})
