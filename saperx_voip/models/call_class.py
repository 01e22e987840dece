"""Labels of the pure core's codes, shared by the models that show them."""

CALL_CLASSES = [
    ("lc", "LC: local"),
    ("ldn", "LDN: national long distance"),
    ("ldi", "LDI: international"),
    ("vc1", "VC1: mobile, same area code"),
    ("vc2", "VC2: mobile, same region"),
    ("vc3", "VC3: mobile, other region"),
    ("free", "Free: 0800 and emergency"),
    ("special", "Special service"),
    ("internal", "Internal"),
    ("unknown", "Unknown"),
]

REASONS = [
    ("not_answered", "Not answered"),
    ("incoming", "Incoming"),
    ("collect_refused", "Collect call that the line refused"),
    ("paid_by_other", "Collect call: the called line pays"),
    ("free", "Free or emergency number"),
    ("internal", "Internal call"),
    ("prepaid", "Prepaid line: charged on the platform"),
    ("no_tariff", "Line without a billing plan"),
    ("previous_system", "Charged by the previous system"),
    ("no_rate", "No rate of the billing plan fits"),
    ("no_platform_amount", "The platform sent no amount"),
    ("dispute", "Dispute accepted"),
]

BILLING_TYPES = [("postpaid", "Postpaid"), ("prepaid", "Prepaid")]
