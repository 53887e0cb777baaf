// What a session sets for pages of its browser: `reenact browse` and replays load a copy of the extension in which this
// file says so (browser_ext.unpack). Here: nothing.
