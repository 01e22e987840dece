# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models

from ..gateway.diagnosis import NO_ANSWER

WIRE = "saperx_voip/gateway/wire.py"
OF_A_FIELD = ("missing", "kind", "form", "word", "size", "unreadable")


class SaperxApiDiagnosisFinding(models.Model):
    """One difference of one path, however often it occurred, with one masked example:
    digits are shown as 9, letters as a."""

    _name = "saperx.api.diagnosis.finding"
    _description = "Finding of a diagnosis of the API"
    _order = "breaks desc, path_id, id"
    _rec_name = "place"

    path_id = fields.Many2one(
        "saperx.api.diagnosis.path",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    diagnosis_id = fields.Many2one(
        related="path_id.diagnosis_id", store=True, index=True
    )
    company_id = fields.Many2one(related="path_id.company_id", store=True)
    path = fields.Char(related="path_id.path", string="Path of the contract")
    kind = fields.Selection(
        [
            ("missing", "Field is missing"),
            ("extra", "Field is not in the contract"),
            ("kind", "Another kind of value"),
            ("form", "Written in another way"),
            ("word", "Word that is not known"),
            ("size", "Out of range"),
            ("unreadable", "Not readable"),
            ("status", "Another HTTP status"),
            ("content_type", "Another content type"),
            ("not_json", "Not JSON"),
            ("page_size", "Page size is not obeyed"),
            ("page_again", "The second page brings the first one again"),
            ("page_last", "Pages end before the records do"),
            ("filter", "Filter is not obeyed"),
            ("window", "Calls from outside the window"),
            ("window_start", "The window's first moment is left out"),
            ("window_end", "The window's end is taken in"),
            ("order", "Not the oldest first"),
            ("pause", "A pause is asked for (429)"),
            ("timeout", "No answer in time"),
            ("unreached", "Out of reach"),
            ("broken_off", "The answer broke off"),
            ("fault", "The platform failed (5xx)"),
            ("foreign", "Answer of something else (a web page)"),
            ("certificate", "The certificate cannot be trusted"),
            ("credentials", "The credentials are refused"),
        ],
        string="Difference",
        required=True,
        readonly=True,
    )
    place = fields.Char(
        string="Where", readonly=True, help="The field or the query's parameter."
    )
    what = fields.Text(string="Difference and where", compute="_compute_what")
    expected = fields.Char(string="Agreed", readonly=True)
    found = fields.Char(
        readonly=True, help="One example, masked: digits as 9, letters as a."
    )
    occurrence_count = fields.Integer(string="Times", readonly=True, aggregator=None)
    total_count = fields.Integer(readonly=True, aggregator=None)
    occurrences = fields.Char(string="How often", compute="_compute_occurrences")
    breaks = fields.Boolean(
        readonly=True, help="The addon cannot read it so, or would lose something."
    )
    severity = fields.Selection(
        [
            ("bearable", "Bearable"),
            ("breaks", "Breaks"),
            ("no_answer", "Without an answer"),
        ],
        compute="_compute_severity",
    )
    reading = fields.Char(
        string="Where it is read",
        readonly=True,
        help="The structure and the function in gateway/wire.py.",
    )
    perhaps = fields.Char(readonly=True)
    advice = fields.Text(string="What to do", compute="_compute_advice")

    @api.depends("kind", "place")
    @api.depends_context("lang")
    def _compute_what(self):
        words = dict(self._fields["kind"]._description_selection(self.env))
        for finding in self:
            word = words.get(finding.kind, "")
            finding.what = f"{word}: {finding.place}" if finding.place else word

    @api.depends("occurrence_count", "total_count")
    def _compute_occurrences(self):
        for finding in self:
            finding.occurrences = str(finding.occurrence_count)
            if finding.total_count:
                finding.occurrences = self.env._(
                    "%(count)s of %(total)s",
                    count=finding.occurrence_count,
                    total=finding.total_count,
                )

    @api.depends("breaks", "kind")
    def _compute_severity(self):
        for finding in self:
            severity = "bearable"
            if finding.breaks:
                severity = "no_answer" if finding.kind in NO_ANSWER else "breaks"
            finding.severity = severity

    @api.depends("kind", "breaks", "reading", "perhaps")
    @api.depends_context("lang")
    def _compute_advice(self):
        for finding in self:
            finding.advice = finding._explain()

    def _explain(self):
        """What it means and what to do, for whoever supports."""
        self.ensure_one()
        if self.kind in OF_A_FIELD:
            return self._explain_field()
        explain = getattr(self, f"_explain_{self.kind}", None)
        return explain() if explain else self._explain_trouble()

    def _explain_field(self):
        if self.breaks and self.reading:
            return self.env._(
                "Records with it cannot be read and are set aside. Ask SaperX whether "
                "this is meant; if so, change %(file)s where it is read (%(place)s), "
                "as docs/fitting.md shows, and diagnose again.",
                file=WIRE,
                place=self.reading,
            )
        if self.breaks:
            return self.env._(
                "The answer cannot be read as it is. Ask SaperX whether this is meant; "
                "if so, change %(file)s as docs/fitting.md shows, and diagnose again.",
                file=WIRE,
            )
        if not self.reading:
            return self.env._("Nothing: the addon does not use this field.")
        if self.kind == "missing":
            return self.env._(
                "The addon goes on without it (%s). Ask SaperX whether it is left out "
                "on purpose.",
                self.reading,
            )
        return self.env._(
            "The addon reads it all the same (%s). Tell SaperX; nothing else needs "
            "to be done.",
            self.reading,
        )

    def _explain_extra(self):
        text = self.env._("Nothing: what the addon does not know is ignored.")
        if not self.perhaps:
            return text
        return self.env._(
            "%(ignored)s But these fields of the contract did not come, and this may "
            "be one of them under another name: %(names)s. Then change %(file)s, as "
            "docs/fitting.md shows.",
            ignored=text,
            names=self.perhaps.replace("|", ", "),
            file=WIRE,
        )

    def _explain_status(self):
        if self.breaks:
            return self.env._(
                "The platform refuses what the addon asks. See its words in the "
                "request log, check the address and what the account may do, and "
                "ask SaperX."
            )
        return self.env._(
            "By another status the addon cannot tell that a line is gone. Ask SaperX "
            "which one means “not found”."
        )

    def _explain_content_type(self):
        return self.env._("The addon reads it all the same. Tell SaperX.")

    def _explain_not_json(self):
        if self.breaks:
            return self.env._(
                "The answer cannot be read. Ask again; if it stays so, show this to "
                "SaperX, or to whoever runs what stands between (proxy, firewall)."
            )
        return self.env._(
            "The addon reads what can be read; records that are no JSON are set aside."
        )

    def _explain_page_size(self):
        return self.env._(
            "The addon copes with it: pages are larger than asked for, and use more "
            "memory. Tell SaperX."
        )

    def _explain_page_again(self):
        return self.env._(
            "What lies beyond the first page is never read. Ask SaperX how pages are "
            "asked for, and change the paging in %s, as docs/fitting.md shows.",
            WIRE,
        )

    def _explain_page_last(self):
        return self.env._(
            "The platform says that there is no further page, though there are more "
            "records: they would never be read. Ask SaperX how pages are asked for, "
            "and change the paging in %s, as docs/fitting.md shows.",
            WIRE,
        )

    def _explain_filter(self):
        if self.breaks:
            return self.env._(
                "With this filter nothing comes, though there is such a record. Ask "
                "SaperX what the filter is called, and change the queries at the end "
                "of %s.",
                WIRE,
            )
        return self.env._(
            "The addon looks at what comes and takes what it asked for, but reads more "
            "than it needs. Ask SaperX what the filter is called."
        )

    def _explain_window(self):
        return self.env._(
            "Imports would read all calls each time, and windows would mean nothing. "
            "Ask SaperX how a window is asked for, and change call_query in %s; see "
            "also the time zone of the integration.",
            WIRE,
        )

    def _explain_window_start(self):
        return self.env._(
            "A call that begins with the window could be lost between two windows. "
            "Let windows begin a second earlier (_bounds in %s), or ask SaperX.",
            WIRE,
        )

    def _explain_window_end(self):
        return self.env._(
            "The addon copes with it: a call that comes in two windows is stored once."
        )

    def _explain_order(self):
        return self.env._(
            "The addon copes with it: an import that loses its place begins its window "
            "anew, which takes longer."
        )

    def _explain_pause(self):
        if self.breaks:
            return self.env._(
                "The platform wanted a longer pause than a diagnosis waits for. "
                "Diagnose again later; ask SaperX how many requests are allowed, and "
                "lower “Parallel requests”."
            )
        return self.env._(
            "It was waited for, as the addon always does. Ask SaperX how many requests "
            "are allowed if it comes often."
        )

    def _explain_credentials(self):
        return self.env._(
            "Correct user, password, API Key and API Secret of the integration, and "
            "diagnose again."
        )

    def _explain_certificate(self):
        return self.env._(
            "Check the address of the integration, or ask SaperX for a valid "
            "certificate."
        )

    def _explain_foreign(self):
        return self.env._(
            "This is no answer of the platform: a proxy, a portal or another web "
            "server answered, or the path does not exist there. Check the address of "
            "the integration (it usually ends with /api/v2) and what stands between."
        )

    def _explain_trouble(self):
        return self.env._(
            "The addon tries again by itself in daily work. Diagnose again; if it "
            "stays so, check address and network, and show this to SaperX."
        )

    @api.model
    def _prepare(self, differing):
        """:param differing: ``gateway.diagnosis.Differing``"""
        return {
            "kind": differing.finding.value,
            "place": differing.place,
            "expected": differing.expected.replace("|", " | "),
            "found": differing.shape,
            "occurrence_count": differing.count,
            "total_count": differing.total,
            "breaks": differing.breaks,
            "reading": differing.reading,
            "perhaps": differing.perhaps,
        }

    def _prepare_report(self):
        self.ensure_one()
        return {
            "difference": self.kind,
            "where": self.place or None,
            "agreed": self.expected or None,
            "found": self.found or None,
            "times": self.occurrence_count,
            "of": self.total_count or None,
            "severity": self.severity,
            "read_by": self.reading or None,
            "what_to_do": self.advice,
        }
