"""`python -m replay.dataset`: the JSON Schema of the native row, which stands in docs/schema/."""

import json

from replay.dataset.row import json_schema

print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
