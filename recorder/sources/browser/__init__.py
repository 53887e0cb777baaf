"""The browser: its launch, the extension's channel, what its pages state."""
