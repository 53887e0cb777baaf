"""A program of the session's: logs in with a cookie jar of its own, and pages through a list by its cursors."""

import http.cookiejar
import json
import re
import sys
import urllib.parse
import urllib.request

site = sys.argv[1]
opener = urllib.request.build_opener(
    urllib.request.ProxyHandler(), urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
)


def read(path, **form):
    data = urllib.parse.urlencode(form).encode() if form else None
    with opener.open(site + path, data) as answer:
        return answer.read().decode()


token = re.search('name="csrf_token" value="([^"]+)"', read("/login"))[1]
print(read("/login", csrf_token=token, user="bob", password="correct horse 1"), end="")
print(read("/home"), end="")
pages, cursor = [], ""
while cursor is not None:
    said = json.loads(read("/pages?" + urllib.parse.urlencode({"cursor": cursor})))
    pages.append(said["page"])
    cursor = said["next"]
print("pages", pages)
