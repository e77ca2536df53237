"""What help shows: what people need, in texts that flow. ``--help-all`` shows the rest."""

from __future__ import annotations

from typing import Any

from cyclopts.help import DefaultFormatter, HelpEntry, HelpPanel, InlineText

ALL = "--help-all"
"""Asks for all options of a command."""

_RARE = {
    "--accumulate", "--anchor", "--backbone-lr", "--backlog", "--batch", "--classifier-lr",
    "--decay", "--delay", "--device", "--drop", "--ema", "--fold-width", "--freeze",
    "--give-up", "--hindsight", "--join-words", "--keep",
    "--max-pages", "--most-crops", "--most-jobs",
    "--precision", "--queue", "--readings", "--replay", "--rows", "--silence",
    "--sink-patience", "--squeeze", "--size", "--store-patience", "--strict", "--sure",
    "--text", "--timeout", "--validate-every", "--val-lines", "--val-pages", "--val-squeeze",
    "--warmup", "--way", "--document", "--screen", "--overlay", "--subtitle", "--sign",
    "--scene", "--receipt", "--blank", "--latin", "--emoji", "--shortest", "--longest",
    "--drawn",
}  # fmt: skip
"""Options that most people never need."""

_ALLOWED = {"--recognition.allow", "--dashboard.host", "--dashboard.port", "--dashboard.hosts"}
"""Options of options that are wanted often enough; all others are rare."""

_NOTHING = "()", '""'


class Help(DefaultFormatter):
    """Leaves rare options out, and says so at the end of each panel.

    Args:
        whole: leave nothing out.
    """

    def __init__(self, whole: bool) -> None:
        super().__init__()
        self._whole = whole

    def __call__(self, console: Any, options: Any, panel: HelpPanel) -> None:
        """Print a panel."""
        shown = [_told(entry) for entry in panel.entries if self._whole or not _rare(entry.names)]
        hidden = len(panel.entries) - len(shown)
        if shown:
            super().__call__(console, options, panel.copy(entries=shown))
        if hidden:
            console.print(f"  and {hidden} more: {ALL}", highlight=False)


def _told(entry: HelpEntry) -> HelpEntry:
    """Let a text flow that a docstring breaks and marks up, and leave out defaults of nothing."""
    text = getattr(entry.description, "primary_renderable", None)
    if text is not None:
        flowing = " ".join(str(text).replace("``", "").split())
        entry = entry.copy(description=InlineText.from_format(flowing, "plaintext"))
    return entry.copy(default=None) if entry.default in _NOTHING else entry


def _rare(names: tuple[str, ...]) -> bool:
    nested = any("." in name for name in names) and _ALLOWED.isdisjoint(names)
    return nested or not _RARE.isdisjoint(names)
