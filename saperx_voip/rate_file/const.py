"""Columns and words of a rate file, and how much of one is taken."""

from decimal import Decimal

SEPARATORS = (";", ",", "\t", "|")
DECIMALS = (",", ".")
THREE_DIGITS = ("thousands", "decimal")
"""What a sign before just three digits can mean: 1.500 in a file of 0,09."""

MOST_BYTES = 10 * 2**20
MOST_UNPACKED_BYTES = 64 * 2**20
"""Of all parts of an XLSX together: a small file can unpack to a huge one."""
MOST_PARTS = 500
MOST_RATES = 50_000
MOST_LINES = 200_000
"""With the empty ones."""
MOST_COLUMNS = 64
MOST_PREFIX_DIGITS = 20
MOST_INTEGER = 2**31 - 1
PRICE_DECIMALS = 6
PRICE_LIMIT = Decimal(10**6)

COLUMNS = {
    # column: (header in Portuguese, header in English, other headers)
    "prefix": ("Prefixo", "Prefix", ("codigo", "dial code", "ddi ddd")),
    "call_class": (
        "Classe",
        "Class",
        ("tipo", "tipo de chamada", "classe da chamada", "call class", "call type"),
    ),
    "price_per_minute": (
        "Preço/min",
        "Price/min",
        (
            "preco", "preco por minuto", "preco minuto", "tarifa", "tarifa min",
            "tarifa por minuto", "valor", "valor min", "valor por minuto", "r min",
            "price", "price per minute", "rate",
        ),
    ),
    "connection_fee": (
        "Conexão",
        "Connection",
        ("taxa de conexao", "tarifa de conexao", "connection fee"),
    ),
    "minimum_seconds": (
        "Mínimo (s)",
        "Minimum (s)",
        ("minimo", "tempo minimo", "minimum", "minimum seconds", "min s"),
    ),
    "step_seconds": (
        "Passo (s)",
        "Step (s)",
        ("passo", "incremento", "step", "step seconds", "increment"),
    ),
    "discard_seconds": (
        "Descarte (s)",
        "Free (s)",
        (
            "descarte", "carencia", "gratis ate", "gratis s", "discard", "discard s",
            "discard seconds", "free", "free seconds",
        ),
    ),
    "cost_per_minute": (
        "Custo/min",
        "Cost/min",
        ("custo", "custo por minuto", "cost", "cost per minute"),
    ),
    "date_from": (
        "Válida desde",
        "Valid from",
        (
            "valida de", "valido de", "valido desde", "a partir de", "inicio",
            "vigencia inicial", "start date",
        ),
    ),
    "date_to": (
        "Válida até",
        "Valid to",
        ("valido ate", "ate", "fim", "vigencia final", "valid until", "end date"),
    ),
    "sequence": ("Sequência", "Sequence", ("ordem", "order")),
}  # fmt: skip
MONEY = ("price_per_minute", "connection_fee", "cost_per_minute")
INTEGERS = ("minimum_seconds", "step_seconds", "discard_seconds", "sequence")
DATES = ("date_from", "date_to")

CLASS_WORDS = {
    None: (
        "", "any", "all", "other", "others", "default", "todas", "todos", "qualquer",
        "outras", "outros", "demais", "padrao",
    ),
    "lc": ("lc", "local"),
    "ldn": ("ldn", "nacional", "national", "interurbano", "longa distancia nacional"),
    "ldi": ("ldi", "internacional", "international"),
    "vc1": ("vc1",),
    "vc2": ("vc2",),
    "vc3": ("vc3",),
    "free": ("free", "gratuita", "gratuito", "gratis"),
    "special": ("special", "especial", "servico especial"),
    "internal": ("internal", "interna", "interno"),
    "unknown": ("unknown", "desconhecida", "desconhecido"),
}  # fmt: skip

# What a new rate has where the file says nothing.
DEFAULTS = {
    "connection_fee": Decimal(0),
    "minimum_seconds": 30,
    "step_seconds": 6,
    "discard_seconds": 3,
    "cost_per_minute": Decimal(0),
    "date_from": None,
    "date_to": None,
    "sequence": 10,
}
