"""The invented names the demo warehouse is filled with: places, people, companies and products.

Kept apart from the generator because it is data, and all our own: no row is taken from another sample database.
Every tuple's order is part of the data, since a seed picks by position.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "CATEGORIES",
    "CITIES",
    "COMPANY_PATTERNS",
    "CONTACT_TITLES",
    "COUNTRIES",
    "FIRST_NAMES",
    "LAST_NAMES",
    "PRODUCTS",
    "PRODUCT_VARIANTS",
    "REGIONS",
    "SHIPPERS",
    "STREETS",
    "SUPPLIER_COUNTRIES",
    "SUPPLIER_PATTERNS",
    "TERRITORIES",
    "WORDS",
    "Country",
]


@dataclass(frozen=True)
class Country:
    """A country, the weight of its customers (91 in all) and how its phone numbers and post codes look (# a digit)."""

    name: str
    weight: int
    phone: str
    postal_code: str


COUNTRIES = (
    Country("USA", 12, "(###) 555-01##", "#####"),
    Country("Germany", 11, "0##-555###", "#####"),
    Country("France", 10, "0#.55.##.##.##", "#####"),
    Country("Brazil", 8, "(##) 5550-####", "#####-###"),
    Country("UK", 8, "(0##) 555-####", "EC# #BT"),
    Country("Mexico", 5, "(5) 555-####", "0####"),
    Country("Spain", 5, "(9#) 555 ## ##", "#####"),
    Country("Italy", 5, "0##-55####", "#####"),
    Country("Canada", 4, "(604) 555-####", "V#F #M#"),
    Country("Netherlands", 3, "020-555####", "#### AB"),
    Country("Japan", 3, "(03) 5550-####", "1##-00##"),
    Country("Argentina", 3, "(1) 555-####", "10##"),
    Country("Sweden", 2, "08-555 ## ##", "S-### ##"),
    Country("Belgium", 2, "(02) 555 ## ##", "B-####"),
    Country("Switzerland", 2, "0452-555###", "80##"),
    Country("Austria", 2, "7675-55##", "80##"),
    Country("Portugal", 2, "(1) 555-####", "17##"),
    Country("Poland", 1, "(22) 555-####", "0#-0##"),
    Country("Ireland", 1, "2967 55##", "D0# ####"),
    Country("Norway", 1, "07-55 ## ##", "41##"),
    Country("Denmark", 1, "86 55 ## ##", "82##"),
)

SUPPLIER_COUNTRIES = (
    *("USA", "Germany", "France", "Italy", "Japan", "UK", "Spain", "Canada", "Sweden", "Brazil"),
    *("Netherlands", "Norway", "Denmark", "Australia", "Singapore", "Finland"),
)

# City and region; most countries write no region in an address, as in life.
CITIES: dict[str, tuple[tuple[str, str | None], ...]] = {
    "USA": (
        *(("Seattle", "WA"), ("Portland", "OR"), ("San Francisco", "CA"), ("Denver", "CO"), ("Chicago", "IL")),
        *(("Boston", "MA"), ("Austin", "TX"), ("Boise", "ID"), ("Albuquerque", "NM"), ("Anchorage", "AK")),
    ),
    "Germany": (
        *(("Berlin", None), ("Hamburg", None), ("Cologne", None), ("Munich", None), ("Leipzig", None)),
        *(("Frankfurt", None), ("Stuttgart", None), ("Münster", None)),
    ),
    "France": (
        *(("Paris", None), ("Lyon", None), ("Marseille", None), ("Nantes", None), ("Lille", None)),
        *(("Toulouse", None), ("Strasbourg", None)),
    ),
    "Brazil": (("São Paulo", "SP"), ("Rio de Janeiro", "RJ"), ("Campinas", "SP"), ("Curitiba", "PR"), ("Recife", "PE")),
    "UK": (("London", None), ("Manchester", None), ("Bristol", None), ("Cowes", "Isle of Wight"), ("Leeds", None)),
    "Mexico": (("Mexico City", None), ("Guadalajara", None), ("Monterrey", None)),
    "Spain": (("Madrid", None), ("Barcelona", None), ("Seville", None), ("Valencia", None)),
    "Italy": (("Milan", None), ("Turin", None), ("Bergamo", None), ("Naples", None)),
    "Canada": (("Vancouver", "BC"), ("Montréal", "Québec"), ("Toronto", "ON"), ("Tsawassen", "BC")),
    "Netherlands": (("Amsterdam", None), ("Rotterdam", None), ("Utrecht", None)),
    "Japan": (("Tokyo", None), ("Osaka", None), ("Yokohama", None)),
    "Argentina": (("Buenos Aires", None), ("Rosario", None)),
    "Sweden": (("Stockholm", None), ("Gothenburg", None)),
    "Belgium": (("Brussels", None), ("Ghent", None)),
    "Switzerland": (("Geneva", None), ("Bern", None)),
    "Austria": (("Graz", None), ("Salzburg", None)),
    "Portugal": (("Lisbon", None), ("Porto", None)),
    "Poland": (("Warsaw", None),),
    "Ireland": (("Cork", "Co. Cork"),),
    "Norway": (("Stavern", None),),
    "Denmark": (("Aarhus", None),),
    "Australia": (("Melbourne", "Victoria"), ("Sydney", "NSW")),
    "Singapore": (("Singapore", None),),
    "Finland": (("Lappeenranta", None), ("Helsinki", None)),
}

STREETS = (
    *("Mill Lane", "Harbour Street", "Station Road", "Market Square", "Orchard Way", "Bridge Street", "Elm Avenue"),
    *("Rue du Port", "Hauptstrasse", "Via Garibaldi", "Calle Mayor", "Avenida Central", "Rua das Flores", "Kanaalweg"),
    *("Granary Row", "Cedar Drive", "Quay Street", "Garden Terrace", "Hill Road", "Lindenallee"),
)

# Women's names at even positions, men's at odd ones.
FIRST_NAMES = (
    *("Amara", "Bruno", "Celia", "Dmitri", "Elena", "Farid", "Greta", "Hugo", "Ingrid", "Jonas"),
    *("Keiko", "Lorenzo", "Marta", "Oscar", "Nadia", "Quentin", "Petra", "Stefan", "Rosa", "Ulrich"),
    *("Tamsin", "Wendell", "Vera", "Yusuf", "Ximena", "Benedict", "Zoe", "Desmond", "Adele", "Felix"),
    *("Carmen", "Henrik", "Estelle", "Jakob", "Gemma", "Leopold", "Isabel", "Nils", "Klara", "Pascal"),
    *("Mireille", "Tobias", "Odette", "Anton", "Ramona", "Emil", "Sabine", "Gustav", "Viola", "Rafael"),
)

LAST_NAMES = (
    *("Abernethy", "Bianchi", "Carvalho", "Delacroix", "Eriksson", "Fontaine", "Grünwald", "Hargreaves", "Ibarra"),
    *("Jankowski", "Kowalczyk", "Lindqvist", "Moreau", "Nakagawa", "Okafor", "Pellegrino", "Quintana", "Rosenberg"),
    *("Salazar", "Thornbury", "Ueda", "Valdez", "Whitcombe", "Yamada", "Zielinski", "Ashworth", "Brandt", "Castellano"),
    *("Dunmore", "Esposito", "Falk", "Gallagher", "Holloway", "Iversen", "Jimenez", "Keller", "Laurent", "Mackenzie"),
    *("Novak", "Ostergaard", "Pereira", "Reinholt", "Schreiber", "Tanaka", "Underhill", "Vasquez", "Winslow", "Yates"),
)

CONTACT_TITLES = (
    *("Owner", "Sales Manager", "Marketing Manager", "Purchasing Manager", "Accounting Manager", "Sales Associate"),
    *("Order Administrator", "Sales Agent"),
)

# {city}, {last} and {word} are filled in; a name that comes up twice takes its next choice.
COMPANY_PATTERNS: dict[str, tuple[str, ...]] = {
    "Germany": ("{last} Feinkost", "Delikatessen {last}", "{word} Lebensmittel", "{last} & Söhne"),
    "Austria": ("{last} Feinkost", "{word} Lebensmittel"),
    "Switzerland": ("{word} Comestibles", "{last} Traiteur"),
    "France": ("Maison {last}", "Épicerie {word}", "{last} Traiteur", "Aux Saveurs de {city}"),
    "Belgium": ("Maison {last}", "{word} Comestibles"),
    "Brazil": ("Mercearia {word}", "Empório {last}", "{word} Alimentos"),
    "Portugal": ("Mercearia {word}", "{last} Conservas"),
    "Mexico": ("Abarrotes {word}", "Cocina {last}", "Comercial {word}"),
    "Spain": ("Bodega {last}", "Ultramarinos {word}", "Mercado {last}"),
    "Argentina": ("Almacén {last}", "Rancho {word}"),
    "Italy": ("Gastronomia {last}", "Bottega {word}", "Alimentari {last}"),
    "": (
        "{last} Fine Foods",
        "{word} Market",
        "{word} Grocers",
        "{city} Provisions",
        "{last} & Daughters",
        "{word} Deli",
    ),
}

SUPPLIER_PATTERNS = ("{last} Foods", "{word} Farms", "{word} Trading", "{last} Brothers", "{city} Produce Company")

WORDS = (
    *("Amber", "Bluebell", "Copper Kettle", "Driftwood", "Evergreen", "Foxglove", "Golden Sheaf", "Hazel", "Ironwood"),
    *("Juniper", "Kestrel", "Lantern", "Meridian", "Nightingale", "Olive Branch", "Primrose", "Quarry", "Red Barn"),
    *("Silverleaf", "Thistle", "Union Pier", "Violet", "Wayfarer", "Yellow Door", "Zephyr", "Beacon", "Clover"),
    *("Heron", "Larkspur", "Marigold", "Northgate", "Old Harbour", "Pebble", "Saffron", "Tidewater", "Willow"),
)

SHIPPERS = (
    *("Falcon Freight", "Blue Anchor Lines", "Overland Parcel", "Meridian Express", "Polar Carriers"),
    "Summit Haulage",
)

REGIONS = ("Eastern", "Western", "Northern", "Southern")

CATEGORIES = (
    ("Beverages", "Soft drinks, coffees, teas, beers and ales"),
    ("Condiments", "Sauces, relishes, spreads and seasonings"),
    ("Confections", "Desserts, candies and sweet breads"),
    ("Dairy Products", "Cheeses, butters and yoghurts"),
    ("Grains/Cereals", "Breads, crackers, pasta and cereal"),
    ("Meat/Poultry", "Prepared and cured meats"),
    ("Produce", "Dried fruit, vegetables and bean curd"),
    ("Seafood", "Fish, shellfish and seaweed"),
)

# By category, in the order of CATEGORIES: name, packing, typical cost of one unit in dollars. 77 in all.
PRODUCTS: tuple[tuple[tuple[str, str, float], ...], ...] = (
    (
        ("Harbour Breakfast Tea", "20 boxes x 25 bags", 14.0),
        ("Mountain Roast Coffee", "16 - 500 g tins", 38.0),
        ("Old Mill Amber Ale", "24 - 12 oz bottles", 12.5),
        ("Lantern Stout", "24 - 12 oz bottles", 15.0),
        ("Sparkling Elderflower", "12 - 750 ml bottles", 9.5),
        ("Chateau Belvoir Rouge", "12 - 75 cl bottles", 219.0),
        ("Guarana Spritz", "12 - 355 ml cans", 4.2),
        ("Ginger Root Cordial", "6 - 1 l bottles", 11.0),
        ("Kyoto Green Tea", "30 gift boxes", 21.0),
        ("Cloudberry Liqueur", "500 ml", 16.5),
        ("Cold Press Apple Juice", "24 - 250 ml bottles", 8.0),
    ),
    (
        ("Smoked Paprika Relish", "12 - 200 g jars", 13.0),
        ("Wild Thyme Honey", "12 - 500 g jars", 24.0),
        ("Bayou Pepper Sauce", "32 - 8 oz bottles", 19.0),
        ("Plum Chutney", "12 - 12 oz jars", 17.5),
        ("Stone Ground Mustard", "24 - 250 g jars", 9.8),
        ("Black Garlic Paste", "10 - 150 g tubes", 28.0),
        ("Maple Walnut Spread", "24 - 500 ml bottles", 26.0),
        ("Tamarind Glaze", "12 - 330 ml bottles", 15.5),
        ("Sea Salt Flakes", "48 - 125 g boxes", 7.4),
        ("Green Peppercorn Dip", "16 - 200 g tubs", 12.2),
    ),
    (
        ("Almond Nougat Bar", "100 - 50 g pieces", 32.0),
        ("Salted Caramel Drops", "24 - 200 g bags", 11.5),
        ("Raspberry Scones", "24 pkgs. x 4 pieces", 9.0),
        ("Dark Orange Truffles", "10 boxes x 12 pieces", 23.0),
        ("Honey Gingerbread", "12 - 300 g tins", 14.5),
        ("Pistachio Halva", "48 pieces", 18.0),
        ("Lemon Shortbread", "10 boxes x 8 pieces", 10.8),
        ("Liquorice Twists", "24 - 150 g bags", 6.9),
        ("Marzipan Crown Cake", "1 kg", 39.0),
        ("Vanilla Cream Wafers", "30 - 125 g packs", 7.8),
        ("Cocoa Hazelnut Pralines", "20 - 450 g boxes", 43.0),
    ),
    (
        ("Alpine Gruyere Wheel", "5 kg wheel", 46.0),
        ("Goat Cheese Log", "10 - 200 g pkgs.", 19.5),
        ("Cultured Butter", "24 - 250 g pkgs.", 21.0),
        ("Aged Cheddar Block", "10 kg pkg.", 34.0),
        ("Smoked Mozzarella", "24 - 200 g pkgs.", 27.5),
        ("Blue Vein Crumble", "15 - 300 g tubs", 29.0),
        ("Skyr Natural", "20 - 450 g tubs", 8.6),
        ("Sheep Milk Feta", "12 - 400 g tins", 24.5),
        ("Raclette Slices", "24 - 400 g pkgs.", 37.0),
    ),
    (
        ("Spelt Crispbread", "24 - 500 g pkgs.", 12.0),
        ("Durum Penne", "24 - 250 g pkgs.", 17.0),
        ("Toasted Muesli", "16 - 750 g boxes", 13.4),
        ("Rye Sourdough Loaf", "16 - 2 kg boxes", 9.2),
        ("Potato Gnocchi", "24 - 250 g pkgs.", 25.5),
        ("Jasmine Rice", "5 kg sack", 14.8),
        ("Buckwheat Noodles", "20 - 300 g pkgs.", 10.6),
        ("Pearl Couscous", "30 - 500 g bags", 11.9),
    ),
    (
        ("Juniper Cured Ham", "4 kg pkg.", 52.0),
        ("Turkey Pastrami", "18 - 500 g pkgs.", 31.0),
        ("Wild Boar Salami", "24 pieces", 28.5),
        ("Duck Confit", "16 - 600 g tins", 41.0),
        ("Beef Bresaola", "10 - 250 g pkgs.", 64.0),
        ("Chicken Liver Pate", "24 boxes x 2 pies", 20.5),
        ("Smoked Bratwurst", "50 bags x 30 sausages", 86.0),
        ("Lamb Merguez", "20 - 400 g trays", 33.0),
    ),
    (
        ("Dried Mission Figs", "50 - 300 g pkgs.", 35.0),
        ("Sun Dried Tomatoes", "20 - 500 g bags", 22.5),
        ("Silken Tofu", "40 - 100 g pkgs.", 16.0),
        ("Pickled Sauerkraut", "25 - 825 g cans", 30.5),
        ("Porcini Mushrooms", "12 - 100 g bags", 48.0),
        ("Dried Apple Rings", "50 - 250 g bags", 19.2),
        ("Fire Roasted Peppers", "12 - 1 lb jars", 13.8),
        ("Medjool Dates", "5 kg box", 42.0),
        ("Black Bean Curd", "24 - 250 g pkgs.", 8.9),
    ),
    (
        ("Smoked Herring Fillets", "10 pkgs.", 15.8),
        ("Gravlax Salmon", "12 - 500 g pkgs.", 24.0),
        ("Canned Sardines in Oil", "48 - 120 g tins", 10.2),
        ("King Crab Meat", "24 - 4 oz tins", 36.0),
        ("Clam Chowder", "12 - 12 oz cans", 8.4),
        ("Nori Seaweed", "30 - 25 g packs", 6.4),
        ("Pickled Herring", "25 - 400 g jars", 18.6),
        ("Tiger Prawns", "20 - 1 kg bags", 55.0),
        ("Anchovy Fillets", "36 - 50 g tins", 9.9),
        ("Squid Rings", "16 - 500 g bags", 17.8),
        ("Lumpfish Caviar", "24 - 150 g jars", 27.0),
    ),
)

# Beyond 77 products the range grows by varieties of what is there.
PRODUCT_VARIANTS = ("Organic {}", "{} Family Size", "{} Reserve", "{} Light", "Mini {}")

# 50 sales territories by region, in the order of REGIONS.
TERRITORIES: tuple[tuple[str, ...], ...] = (
    (
        *(
            "Albany",
            "Annapolis",
            "Baltimore",
            "Burlington",
            "Hartford",
            "Ithaca",
            "New Haven",
            "Newport",
            "Philadelphia",
        ),
        *("Princeton", "Providence", "Rochester", "Stamford", "Trenton"),
    ),
    (
        *(
            "Boulder",
            "Eugene",
            "Flagstaff",
            "Fresno",
            "Oakland",
            "Olympia",
            "Pasadena",
            "Reno",
            "Sacramento",
            "San Diego",
        ),
        *("Spokane", "Tacoma", "Tucson"),
    ),
    (
        *("Ann Arbor", "Cleveland", "Dayton", "Des Moines", "Fargo", "Green Bay", "Madison", "Milwaukee", "Omaha"),
        *("Saint Paul", "Toledo"),
    ),
    (
        *(
            "Asheville",
            "Baton Rouge",
            "Birmingham",
            "Charleston",
            "El Paso",
            "Galveston",
            "Jackson",
            "Memphis",
            "Mobile",
        ),
        *("Nashville", "Raleigh", "Tallahassee"),
    ),
)
