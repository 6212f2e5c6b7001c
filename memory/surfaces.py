"""Other names of things that every business shares: how people write countries, and words too plain to be names.

A warehouse says `USA` and `Germany`; people say "the United States" and "German customers". Only values that the
warehouse holds are ever matched; this adds ways of saying them.
"""

from __future__ import annotations

from functools import cache

__all__ = ["EVERYDAY_WORDS", "is_country_word", "other_names"]

# Each line is one country: names it is written by, then after the bar its adjectives.
_COUNTRIES = """
USA, US, U.S., U.S.A., United States, United States of America, America, the States | American
UK, U.K., United Kingdom, Great Britain, Britain, GB, England | British
Germany, Deutschland, Federal Republic of Germany | German
France | French
Spain, España | Spanish
Italy, Italia | Italian
Portugal | Portuguese
Netherlands, The Netherlands, Holland | Dutch
Belgium | Belgian
Luxembourg | Luxembourgish
Switzerland | Swiss
Austria, Österreich | Austrian
Poland, Polska | Polish
Czech Republic, Czechia | Czech
Slovakia | Slovak
Slovenia | Slovenian
Hungary | Hungarian
Romania | Romanian
Bulgaria | Bulgarian
Greece | Greek
Turkey, Türkiye | Turkish
Ireland, Republic of Ireland | Irish
Sweden | Swedish
Norway | Norwegian
Denmark | Danish
Finland | Finnish
Iceland | Icelandic
Estonia | Estonian
Latvia | Latvian
Lithuania | Lithuanian
Ukraine | Ukrainian
Russia, Russian Federation | Russian
Canada | Canadian
Mexico, México | Mexican
Brazil, Brasil | Brazilian
Argentina | Argentine, Argentinian
Chile | Chilean
Peru | Peruvian
Colombia | Colombian
Venezuela | Venezuelan
Ecuador | Ecuadorian
Uruguay | Uruguayan
Australia | Australian
New Zealand, NZ
Japan | Japanese
China, People's Republic of China, PRC | Chinese
India | Indian
South Korea, Korea, Republic of Korea | Korean
Taiwan | Taiwanese
Singapore | Singaporean
Malaysia | Malaysian
Indonesia | Indonesian
Thailand | Thai
Vietnam, Viet Nam | Vietnamese
Philippines, The Philippines | Filipino, Philippine
Israel | Israeli
Egypt | Egyptian
Morocco | Moroccan
South Africa | South African
Nigeria | Nigerian
Kenya | Kenyan
United Arab Emirates, UAE | Emirati
Saudi Arabia, KSA | Saudi
Pakistan | Pakistani
"""

EVERYDAY_WORDS = frozenset(
    """
    account accounting active amount area art average bank base best big bill board book both box brand business buy
    call card carry case central chain chance charge chase check city class clean close code cold common company
    contact cost count country credit customer daily data date day deal delivery direct discount district door down
    drop early east eastern end even ever every express fair fast few field final first fish fleet food foot form
    forward foundation found free freight fresh front full gain general global go gold good grace grand grant gray
    great green gross ground group grow guy half hand happy hardy hall heath high hill hold home hope house hunter in
    income inside item jack joy june may april august just keep key king lane large last late law lead lee level light
    like line list little local long look love low main make major manage manager mark marketing market may mean mid
    might month more most much name national net never new next north northern note number nick office old on only open
    order other out outside over own owner page park part pat pay people place plan point poor post power premium price
    prime produce product profit purchase quarter quick range rate ray reading real record red region reorder rep
    representative rich rise rob rose round royal sale sales second see seller send service set share ship shipper shop
    short show side single size small snack sold some south southern special spice staff standard start state still
    stock stone store strong sue summer sun sunny super supplier supply sweet take team term territory test time title
    top total trade trading trend turn unit up use value vendor very wade warehouse way week well west western white
    wide will win winter wood work world yard year young
    """.split()  # noqa: SIM905 - a list of words is read as prose
)
"""A value that is one of these counts as named only when capitalised, or next to a word for its column."""


@cache
def _by_country() -> dict[str, tuple[str, ...]]:
    table: dict[str, tuple[str, ...]] = {}
    for line in _COUNTRIES.strip().splitlines():
        names, _, adjectives = line.partition("|")
        countries = tuple(name.strip() for name in names.split(","))
        forms = (*countries, *(word.strip() for word in adjectives.split(",") if word.strip()))
        for name in countries:
            table[name.casefold()] = forms
    return table


def other_names(value: str) -> tuple[str, ...]:
    """Other ways to say a value; empty for what is no country."""
    return tuple(form for form in _by_country().get(value.casefold(), ()) if form.casefold() != value.casefold())


@cache
def is_country_word(word: str) -> bool:
    """Whether a word names a country or is its adjective, in any case."""
    return any(word.casefold() == form.casefold() for forms in _by_country().values() for form in forms)
