/* License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl). */

import {Component, onWillStart, useState} from "@odoo/owl";
import {Dialog} from "@web/core/dialog/dialog";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";

const LEVELS = {
    good: {icon: "fa-check-circle", color: "success"},
    warning: {icon: "fa-exclamation-circle", color: "warning"},
    bad: {icon: "fa-times-circle", color: "danger"},
    unknown: {icon: "fa-question-circle", color: "muted"},
    reading: {icon: "fa-circle-o-notch fa-spin", color: "muted"},
};
// The gravest first.
const ORDER = ["bad", "warning", "unknown", "good"];

/**
 * *Diagnóstico da linha*. What Odoo knows stands there at once; what the platform must
 * tell comes in as it answers.
 */
export class DiagnosisDialog extends Component {
    static template = "saperx_voip.DiagnosisDialog";
    static components = {Dialog};
    static props = {
        title: String,
        lineId: Number,
        line: String,
        balanceLabel: String,
        close: Function,
    };

    setup() {
        this.orm = useService("orm");
        this.levels = LEVELS;
        this.state = useState({own: [], registration: null, calls: null});
        onWillStart(async () => {
            this.state.own = await this.ask("diagnose");
            this.readLive();
        });
    }

    get title() {
        return `${this.props.title}: ${this.props.line}`;
    }

    get parts() {
        const {own, registration} = this.state;
        const [first, ...rest] = own;
        return [first, ...(registration || this.placeholders), ...rest];
    }

    get placeholders() {
        const titles = {
            registration: _t("Registration"),
            balance: this.props.balanceLabel,
        };
        return Object.entries(titles).map(([name, title]) => ({
            name,
            title,
            level: "reading",
            sentence: _t("Asking the platform…"),
            facts: [],
            advice: [],
        }));
    }

    get isReading() {
        return !(this.state.registration && this.state.calls);
    }

    get causes() {
        const parts = [...this.parts, ...(this.state.calls ? [this.state.calls] : [])];
        return ORDER.flatMap((level) =>
            parts
                .filter((part) => part.level === level)
                .flatMap((part) => part.advice)
                .map((text) => ({text, icon: this.iconOfCause(level)}))
        );
    }

    iconOfCause(level) {
        // Where nothing is wrong it is but a hint.
        return level === "good"
            ? "fa-info-circle text-muted"
            : `${LEVELS[level].icon} text-${LEVELS[level].color}`;
    }

    formatSeconds(seconds) {
        const minutes = Math.floor(seconds / 60);
        return `${minutes}:${String(seconds % 60).padStart(2, "0")}`;
    }

    ask(method) {
        return this.orm.silent.call("saperx.line", method, [[this.props.lineId]]);
    }

    readLive() {
        this.state.registration = null;
        this.state.calls = null;
        this.read("registration", _t("Registration"), (parts) => parts);
        this.read("calls", _t("Last calls"), ([part]) => part);
    }

    /**
     * One of them does not wait for the other, nor does its failure hide it.
     */
    async read(name, title, choose) {
        let parts = null;
        try {
            parts = [await this.ask(`diagnose_${name}`)].flat();
        } catch (error) {
            const sentence = error.data?.message || _t("The server does not answer.");
            const level = "unknown";
            parts = [{name, title, level, sentence, facts: [], advice: [], calls: []}];
        }
        this.state[name] = choose(parts);
    }
}

registry.category("actions").add("saperx_line_diagnosis", (env, action) => {
    const {line_id: lineId, line, balance_label: balanceLabel} = action.params;
    const title = action.name;
    env.services.dialog.add(DiagnosisDialog, {title, lineId, line, balanceLabel});
});
