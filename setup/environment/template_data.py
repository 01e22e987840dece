# Read by `odoo shell` while the template database is made.
# ruff: noqa: F821

# A company without a chart of accounts has no sales journal: nothing can be invoiced.
company = env.ref("base.main_company")
company.country_id = env.ref("base.br")
env["account.chart.template"].try_loading("br", company=company)

# Beside English, which stays everybody's language: tests compare English texts.
portuguese = env.ref("base.lang_pt_BR")
env["base.language.install"].create({"lang_ids": portuguese.ids}).lang_install()

# Odoo's digest runs as soon as a server starts, and would meet whoever makes users
# then: "could not serialize access" is an error in the log.
env.ref("digest.ir_cron_digest_scheduler_action").active = False

env.cr.commit()
