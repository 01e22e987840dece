"""The demo's short account of what happened."""

from .provider import PASSWORD, ROLES


def text(summary: dict) -> str:
    """:param summary: as ``month.summary`` makes it"""
    lines = summary["lines"]
    runs = summary["runs"]
    calls = summary["calls"]
    charges = summary["charges"]
    moves = summary["moves"]

    def total(name):
        return sum(run[f"{name}_count"] for run in runs)

    states = (
        ("unbilled", "wait for their cycle's end"),
        ("billed", "charged"),
        ("not_chargeable", "cost nothing"),
        ("unrated", "without a price"),
        ("unmatched", "without a line"),
    )
    parts = [
        "",
        f"Lines    {sum(lines.values())}, of which {lines['synced']} pushed",
        f"Calls    {total('read')} read in {len(runs)} imports: {total('new')} new, "
        f"{total('known')} known, {total('changed')} changed, "
        f"{total('rejected')} rejected; {total('unmatched')} unmatched",
        *(
            f"         {calls[state][0]:>6} {label}, R$ {calls[state][1] or 0:.2f}"
            for state, label in states
            if state in calls
        ),
        f"Charges  {len(charges)}, R$ {sum(c['amount'] for c in charges):.2f}; "
        f"{sum(c['state'] == 'invoiced' for c in charges)} invoiced",
        f"Invoices {len(moves)}, R$ {sum(m['amount_total'] for m in moves):.2f}",
        *(
            f"         R$ {move['amount_total']:>9.2f}  {move['partner_id'][1]}"
            for move in moves
        ),
        "",
    ]
    return "\n".join(parts)


def where(url: str) -> str:
    logins = "\n".join(
        f"    {login:<12} {PASSWORD:<12} {name}"
        for login, (name, _group) in ROLES.items()
    )
    return (
        f"Odoo is running at {url}\n"
        f"    admin        admin        everything\n{logins}\n"
        f"Look at  Plataforma VoIP > Linhas SIP      {url}/odoo/sip-lines\n"
        f"         Registro de Chamadas (CDR)        {url}/odoo/call-records\n"
        f"         Adicionais de telefonia           {url}/odoo/telephony-additionals\n"
        f"         Contratos                         {url}/odoo/customer-contracts\n"
        "`make stop` stops Odoo, the sandbox and PostgreSQL."
    )
