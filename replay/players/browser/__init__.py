"""Does again what was done in a browser, in a Chromium inside the sandbox."""
