"""Other names of things that every business shares: how people write countries, and words too plain to be names.

A warehouse says `USA` and `Germany`; people say "the United States" and "German customers". Only values that the
warehouse holds are ever matched; this adds ways of saying them.
"""

from __future__ import annotations

from functools import cache

__all__ = ["EVERYDAY_WORDS", "TRUE_WORDS", "is_country_word", "other_names"]

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

TRUE_WORDS = frozenset(
    """
    affect against aliment alter ambient april arena arent argent august batter battle best better between bill
    bitter bland blank boat boot bother bought brought cable cancel carried cast change chase clever closer coarse
    coat collection colon colour commercial commission companion compare compared compatible compete competed
    compile complete completed completely compose compute concede concept conception concern condition confer
    confident config connection construct contend content contest continent contract contradict contrary contrast
    convention convert coordinate correction cost cotton could couldnt council counter county couple courier course
    court cover currently customs dated dating debut decay december decline decrease defer delivered delivering
    depart department depot desert desire dessert detail didnt differ different distance distant distinct
    distinction district diver diverse doesnt dozen drive driven during eight eighty eleven employed expand
    expansion expect expense expensive february fewer fifth fifty fight figure fill filled finance finish flower
    former forth forty fourth frequent frequently friday gate geared generated given grade grass grave green ground
    group guess hadnt handle handled hasnt havent heard hearing horrible hundred increase indeed inner intent
    interact intercept internal internet intersect invoice invoiced issue january label larger late later leader
    lease least leave lever likely link links list listen live liver lives locate location logger loser lost lower
    loyal mail maintain maker makers managed manger march marker matter measure mention merge merit meter middle
    million mist mobile modal mode model modes moment monday motion mount mouth native nearby newer ninety noble
    nothing notion nought november numb occur october offer offering office officer older online only opposition
    ordered ordering origin orphan other outer owned paint parcel parent partner past patent patter pattern period
    persona phase phrase picked place placed plain played please police polity portal positive possible post pound
    power prayer precise precision prefer present president press price pride prince print prior private prize
    proceed process processed processing produce product production professional project promise promote proposal
    propose protect provide provided provision public purpose quality quiet quite quotes racing radio range rating
    rational reason rebate rebates recall receive recent reception recipe reduce refer referring region regional
    reject relate relation relative relevant remain remained remote rental repeat replace resort respond response
    rest retain retire reverse reward river robust rocky rotation rotten route router rover saturday sauce save
    saves scale scope second select seller senior september serve service session seven seventy several severe shame
    shape shared sharp sheet shelf shift shipped shirt shock shoot shore shorter should shouldnt shown since sixth
    sixty skill skipped skipping sleep slower small smart snack sold soldier source space spare speak specific speed
    spend spent split square stable stack staff stage stale standard star stark stars state statue status stick
    still stolen stopping storm story street strike strong stuck stuff style sunday superior supervises supplied
    supply supplying support surprise table tailor tale tears tenth terminal test than thank that their them then
    therefore these they thing third thirty this thorough those though thousand threat three thrice through throw
    thursday tight time tired title today together topic touch tough tower trace track tract traffic trail train
    transfer transition translation travel trend trial trick trouble truck trust tuesday twelve twenty twice typical
    unite united unless unlike unpaid upper usage usual vague valid valley varied various vendor verify version
    versus violent visit visual voice volume wages wasnt waste water weaker weather wednesday werent whether while
    whole whose wider width winner with within without woman wonder worker world worse worth would wouldnt write
    wrong wrote yearly yield
    """.split()  # noqa: SIM905 - a list of words is read as prose
)
"""English words that are one slip away from what businesses call things, and are not that slip."""


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


def is_country_word(word: str) -> bool:
    """Whether a word names a country or is its adjective, in any case."""
    return word.casefold() in _country_words()


@cache
def _country_words() -> frozenset[str]:
    return frozenset(form.casefold() for forms in _by_country().values() for form in forms)
