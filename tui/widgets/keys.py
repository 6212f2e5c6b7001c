"""Every key that works now, on as many lines as it takes: Textual's own footer hides what does not fit on one."""

from __future__ import annotations

from collections.abc import Iterator

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Resize
from textual.screen import Screen
from textual.widgets import Static

__all__ = ["Key", "KeyBar"]

_GAP = 2


class Key(Static):
    """One key and what it does; a click does it too."""

    ALLOW_SELECT = False

    def __init__(self, key: str, shown: str, does: str) -> None:
        super().__init__(Content.assemble((shown, "bold $footer-key-foreground"), f" {does}"))
        self.columns = len(shown) + 1 + len(does)
        self._key = key

    def on_click(self) -> None:
        """As if the key had been pressed."""
        self.app.simulate_key(self._key)


class KeyBar(Vertical):
    """A footer that wraps."""

    def __init__(self) -> None:
        super().__init__()
        self._laid_out_for = 0

    def on_mount(self) -> None:
        """Follow what the screen's bindings are."""
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def compose(self) -> ComposeResult:
        """The keys, packed into rows."""
        rows: list[list[Key]] = [[]]
        used = 0
        for binding in self._shown_bindings():
            key = Key(binding.key, self.app.get_key_display(binding), binding.description)
            if used and used + key.columns > self.app.size.width - 2:
                rows.append([])
                used = 0
            rows[-1].append(key)
            used += key.columns + _GAP
        for row in rows:
            yield Horizontal(*row)

    def on_resize(self, event: Resize) -> None:
        """Another width packs differently."""
        if event.size.width != self._laid_out_for:
            self._laid_out_for = event.size.width
            self.refresh(recompose=True)

    def _shown_bindings(self) -> Iterator[Binding]:
        """One binding for each action, those of the screen first, the command palette last."""
        seen: set[str] = set()
        palette = self.app.COMMAND_PALETTE_BINDING
        for key, active in sorted(self.screen.active_bindings.items(), key=lambda item: item[0] == palette):
            binding = active.binding
            wanted = binding.show or (key == palette and not self.screen.is_modal)
            if wanted and active.enabled and binding.action not in seen:
                seen.add(binding.action)
                yield binding

    def _bindings_changed(self, screen: Screen[object]) -> None:
        if self.is_attached and screen is self.screen:
            self.refresh(recompose=True)
