"""The cards a visitor can choose, by the short names that stand in links; `cpu` is none of them."""

from __future__ import annotations

from freezecore._estimate.cards import Card, all_cards

CPU, DEFAULT = "cpu", "t4-16"


def slug(card: Card) -> str:
    """A card's name in a link: `t4-16` for `T4 16 GB`."""
    return "-".join(card.name.removesuffix(" GB").lower().replace("(", "").replace(")", "").split())


def offered() -> dict[str, Card | None]:
    """The CPU, the cards of this machine, and those that are known, by their names in a link."""
    return {CPU: None} | {slug(card): card for card in all_cards()}


def label(name: str) -> str:
    """A card as its box names it, whose number counts GiB."""
    card = offered().get(name)
    return card.name.removesuffix(" GB") + " GiB" * card.name.endswith(" GB") if card else name.upper()
