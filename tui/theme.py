"""The two themes of the app: ink on paper by day, paper-coloured ink by night. Colour carries status, little else."""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

__all__ = ["DARK", "LIGHT"]

DARK: Final = Theme(
    name="affidavit-dark",
    primary="#7fb5c4",
    secondary="#9aa9bd",
    accent="#c9a26d",
    success="#8dbb82",
    warning="#dcb45f",
    error="#d97c70",
    foreground="#d8dde3",
    background="#11161c",
    surface="#171d25",
    panel="#1f2731",
    dark=True,
    variables={
        "block-cursor-background": "#2b3a47",
        "block-cursor-foreground": "#eef2f5",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#222c37",
        "border": "#5f7f8c",
        "border-blurred": "#2a343f",
        "footer-background": "#171d25",
        "footer-key-foreground": "#c9a26d",
        "footer-description-foreground": "#9aa9bd",
        "input-selection-background": "#7fb5c4 30%",
        "scrollbar": "#2a343f",
        "scrollbar-background": "#11161c",
        "scrollbar-corner-color": "#11161c",
    },
)

LIGHT: Final = Theme(
    name="affidavit-light",
    primary="#256b80",
    secondary="#566476",
    accent="#8a5f1f",
    success="#3f7a37",
    warning="#9a6a00",
    error="#b03a2e",
    foreground="#1d2430",
    background="#faf8f3",
    surface="#f2efe7",
    panel="#e7e2d6",
    dark=False,
    variables={
        "block-cursor-background": "#d5e2e4",
        "block-cursor-foreground": "#10161f",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#e4e5de",
        "border": "#5d8a97",
        "border-blurred": "#d3cdbf",
        "footer-background": "#f2efe7",
        "footer-key-foreground": "#8a5f1f",
        "footer-description-foreground": "#566476",
        "input-selection-background": "#256b80 25%",
        "scrollbar": "#cfc8b8",
        "scrollbar-background": "#faf8f3",
        "scrollbar-corner-color": "#faf8f3",
    },
)
