"""A small Brazilian provider, made in a running Odoo as its staff would make it."""

from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from .client import OdooClient

ZONE = ZoneInfo("America/Sao_Paulo")
PASSWORD = "demo-saperx"
ROLES = {
    "tecnico": ("Tereza Técnica", "saperx_voip.group_technician"),
    "financeiro": ("Felipe Financeiro", "saperx_voip.group_billing"),
}

# Price in centavos a minute and cadence (minimum, step, free): one default rate
# each, so that whoever checks the sums needs no classes.
TARIFFS = {
    "Residencial": (12, (30, 6, 3)),
    "Empresarial": (8, (6, 6, 0)),
}

# Minutes that each cycle has free of charge, and whether the contract's lines share.
ALLOWANCES = {
    "Residencial": (20, False),
    "Empresarial": (100, True),
}

MONTHLY_FEE = 99.90

# name, CPF or CNPJ, tariff, closing day, numbers, yearly contract
CUSTOMERS = [
    ("Ana Beatriz Souza", "11144477735", "Residencial", 31, 1, False),
    ("Bruno Carvalho", "22233366638", "Residencial", 31, 1, False),
    ("Clínica Vida Ltda", "11222333000181", "Empresarial", 31, 3, False),
    ("Daniela Ferreira", "33366699957", "Residencial", 20, 1, False),
    ("Escola Aprender ME", "33000167000101", "Empresarial", 31, 2, False),
    ("Fernando Oliveira", "44455588850", "Residencial", 15, 1, False),
    ("Gráfica Rápida Ltda", "60746948000112", "Empresarial", 31, 2, True),
    ("Helena Martins", "55566699960", "Residencial", 31, 1, False),
    ("Imobiliária Central", "33014556000196", "Empresarial", 20, 2, False),
    ("João Pedro Lima", "66677788830", "Residencial", 31, 1, False),
    ("Katia Regina Alves", "77788899941", "Residencial", 31, 1, True),
    ("Luiz Henrique Rocha", "88899911193", "Residencial", 31, 1, False),
]


@dataclass
class Provider:
    """Ids of what was made. ``terms`` is by account holder's line reference."""

    integration: int
    contracts: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    monthly: list[int] = field(default_factory=list)


def local_today() -> date:
    """The provider's day, whatever the machine's zone."""
    return datetime.now(ZONE).date()


def make(odoo: OdooClient, sandbox, today: date) -> Provider:
    """:param sandbox: a running ``SandboxProcess`` with its credentials' defaults"""
    _speak_portuguese(odoo)
    _make_users(odoo)
    provider = Provider(_make_integration(odoo, sandbox))
    odoo.call("saperx.integration", "action_sync_plans", [provider.integration])
    tariffs = {name: _make_tariff(odoo, name) for name in TARIFFS}
    plan, international = _plans(odoo)
    numbers = _free_numbers(sandbox)
    _make_profile(odoo, provider.integration, plan, tariffs["Residencial"])
    product = odoo.create(
        "product.product",
        {
            "name": "Internet 500 Mb",
            "type": "service",
            "list_price": MONTHLY_FEE,
            "taxes_id": [(6, 0, [])],
            "is_telephony_fee": True,
        },
    )
    for name, document, tariff, closing_day, count, yearly in CUSTOMERS:
        contract = _make_contract(odoo, name, document, product, today, yearly)
        provider.contracts.append(contract)
        if not yearly:
            provider.monthly.append(contract)
        for _ in range(count):
            provider.lines.append(
                odoo.create(
                    "saperx.line",
                    {
                        "contract_id": contract,
                        "integration_id": provider.integration,
                        "tariff_id": tariffs[tariff],
                        "plan_id": plan,
                        "international_plan_id": international,
                        "allow_ldi": True,
                        "closing_day": closing_day,
                        "credit_limit": 300,
                        "password": f"Ramal-{len(provider.lines):04d}-demo",
                        "did_ids": [(0, 0, {"number": next(numbers)})],
                    },
                )
            )
    _make_range(odoo)
    return provider


def _speak_portuguese(odoo):
    odoo.write(
        "res.users", [odoo.user_id], {"lang": "pt_BR", "tz": "America/Sao_Paulo"}
    )
    company = odoo.ref("base.main_company")
    odoo.write("res.company", [company], {"name": "Provedor Exemplo"})


def _make_users(odoo):
    for login, (name, group) in ROLES.items():
        odoo.create(
            "res.users",
            {
                "name": name,
                "login": login,
                "password": PASSWORD,
                "lang": "pt_BR",
                "tz": "America/Sao_Paulo",
                "group_ids": [(4, odoo.ref(group))],
            },
        )


def _make_integration(odoo, sandbox):
    return odoo.create(
        "saperx.integration",
        {
            "name": "SaperX (sandbox)",
            "environment": "homologation",
            "base_url": sandbox.url,
            "username": "sandbox",
            "password": "sandbox-senha",
            "api_key": "sandbox-key",
            "api_secret": "sandbox-secret",
            "sip_server": "sip.saperx.example",
            "sip_codecs": "G.711a, G.729",
        },
    )


def _make_profile(odoo, integration, plan, tariff):
    odoo.create(
        "saperx.line.profile",
        {
            "name": "Residencial",
            "integration_id": integration,
            "plan_id": plan,
            "tariff_id": tariff,
            "credit_limit": 150,
            "simultaneous_calls": 2,
        },
    )


def _make_range(odoo):
    """The hundred numbers around those that were just given to lines."""
    (did,) = odoo.search_read("saperx.did", [], ["number"], limit=1, order="number")
    area_code, hundred = did["number"][2:4], did["number"][4:-2]
    odoo.create(
        "saperx.number.range",
        {
            "name": "Sede",
            "area_code": area_code,
            "first": f"{hundred}00",
            "last": f"{hundred}99",
        },
    )


def _make_tariff(odoo, name):
    centavos, (minimum, step, free) = TARIFFS[name]
    rate = {
        "price_per_minute": centavos / 100,
        "minimum_seconds": minimum,
        "step_seconds": step,
        "discard_seconds": free,
    }
    minutes, is_shared = ALLOWANCES[name]
    allowance = {"quantity": minutes, "is_shared": is_shared}
    return odoo.create(
        "saperx.tariff",
        {
            "name": name,
            "rate_ids": [(0, 0, rate)],
            "allowance_ids": [(0, 0, allowance)],
        },
    )


def _plans(odoo):
    return [
        odoo.search_read(
            "saperx.plan", [("scope", "=", scope)], ["id"], limit=1, order="id"
        )[0]["id"]
        for scope in ("national", "international")
    ]


def _free_numbers(sandbox):
    return iter(
        did["numero"]
        for did in sandbox.ledger()["dids"]
        if did["status"] == "disponivel"
    )


def _make_contract(odoo, name, document, product, today, yearly):
    partner = odoo.create(
        "res.partner",
        {
            "name": name,
            "vat": document,
            "is_company": len(document) == 14,
            "lang": "pt_BR",
            "country_id": odoo.ref("base.br"),
        },
    )
    fee = {
        "name": "Internet 500 Mb, #START# a #END#",
        "product_id": product,
        "quantity": 1,
        "price_unit": MONTHLY_FEE * (12 if yearly else 1),
        "specific_price": MONTHLY_FEE * (12 if yearly else 1),
        "recurring_invoicing_type": "pre-paid",
        "recurring_rule_type": "yearly" if yearly else "monthly",
        "date_start": today.isoformat(),
        "recurring_next_date": today.isoformat(),
    }
    if yearly:
        # Paid in March of each year: nothing falls due in the demo's month.
        paid_on = date(today.year + (today.month >= 3), 3, 1)
        fee["recurring_next_date"] = paid_on.isoformat()
    (journal,) = odoo.search_read(
        "account.journal", [("type", "=", "sale")], ["id"], limit=1
    )
    return odoo.create(
        "contract.contract",
        {
            "name": f"Internet e telefone, {name}",
            "partner_id": partner,
            "contract_type": "sale",
            "journal_id": journal["id"],
            "contract_line_ids": [(0, 0, fee)],
        },
    )
