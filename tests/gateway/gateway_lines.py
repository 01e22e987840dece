"""A line as the gateway wants it, for the tests of pushing."""

from gateway import LineSettings


def make_settings(reference: str, **changes) -> LineSettings:
    return LineSettings(
        **{
            "reference": reference,
            "customer_name": "João",
            "customer_document": None,
            "account_code": None,
            "plan_remote_id": 1,
            "international_plan_remote_id": None,
            "group_remote_id": None,
            "closing_day": 31,
            "billing_type": "postpaid",
            "route": "stfc",
            "portability": "no",
            "caller_id": True,
            "allow_lc": True,
            "allow_ldn": True,
            "allow_ldi": False,
            "allow_vc1": True,
            "allow_vc2": True,
            "allow_vc3": True,
            "simultaneous_calls": None,
            "credit_limit": None,
            **changes,
        }
    )
