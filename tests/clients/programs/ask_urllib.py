"""What a script does with the standard library."""

import json
import sys
import urllib.error
import urllib.request

url = sys.argv[1]
print(json.load(urllib.request.urlopen(f"{url}/get?x=1"))["args"])
print(json.load(urllib.request.urlopen(f"{url}/anything", data=b"name=ada"))["form"])
print(urllib.request.urlopen(f"{url}/redirect/2").url.removeprefix(url))
try:
    urllib.request.urlopen(f"{url}/status/418")
except urllib.error.HTTPError as error:
    print(error.code, len(error.read()))
