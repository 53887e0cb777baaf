"""The layer below a connection whose program knows of no proxy: goes on to whom the program wanted."""

from __future__ import annotations

from mitmproxy.connection import ConnectionState
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers.modes import DestinationKnown

from recorder.trace.destination import PATIENCE


class Everywhere(DestinationKnown):
    """Connects first: then a server that speaks first is heard, and one that is not there is told as a connection
    that ends once the program has said something. (It was accepted already; a reset would race with what it sends.)
    """

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        assert isinstance(event, events.Start)
        self.child_layer = layer.NextLayer(self.context)
        error = yield from self.finish_start()
        if error:
            self._handle_event = self._nobody  # type: ignore[method-assign]
            yield commands.RequestWakeup(PATIENCE)

    def _nobody(self, event: events.Event) -> layer.CommandGenerator[None]:
        if self.context.client.state is not ConnectionState.CLOSED:
            yield commands.CloseConnection(self.context.client)
