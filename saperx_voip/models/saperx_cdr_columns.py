# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Columns of the call table by who says what stands in them: no Odoo."""

# What the platform says of a call, beside its id.
RECORD_COLUMNS = (
    "line_remote_id",
    "account_code",
    "direction",
    "is_collect",
    "caller",
    "callee",
    "city",
    "start",
    "outcome",
    "total_seconds",
    "talk_seconds",
    "platform_charged_seconds",
    "platform_class",
    "platform_amount",
    "platform_cost",
)
# What matching and rating find.
FOUND_COLUMNS = (
    "line_id",
    "period_id",
    "contract_id",
    "partner_id",
    "other_party",
    "own_class",
    "call_class",
    "cycle_end",
    "rate_id",
    "charged_seconds",
    "gross_amount",
    "state",
    "reason",
)
# Beside what they find, that no allowance has been drawn yet.
ASSESSED_COLUMNS = (
    *FOUND_COLUMNS,
    "covered_seconds",
    "covered_amount",
    "charged_amount",
    "allowance_uses",
)
