/* License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl). */

import {Component, useRef} from "@odoo/owl";
import {Dialog} from "@web/core/dialog/dialog";
import {_t} from "@web/core/l10n/translation";
import {browser} from "@web/core/browser/browser";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";

/**
 * *Dados para o ATA*. All values are in the props, for as long as the dialog is open,
 * and nowhere else.
 */
export class AtaDialog extends Component {
    static template = "saperx_voip.AtaDialog";
    static components = {Dialog};
    static props = {title: String, data: Object, close: Function};

    setup() {
        this.notification = useService("notification");
        this.card = useRef("card");
    }

    get rows() {
        const {data} = this.props;
        return [
            {name: "server", label: _t("SIP server")},
            {name: "port", label: _t("SIP port")},
            {name: "transport", label: _t("Transport")},
            {name: "proxy", label: _t("Outbound proxy")},
            {name: "codecs", label: _t("Codecs")},
            {name: "register_seconds", label: _t("Registration interval (s)")},
            {name: "user", label: _t("User"), missing: _t("Not given yet")},
            {
                name: "password",
                label: _t("Password"),
                missing: _t("Not known here: generate a new one"),
            },
            {name: "serial", label: _t("Equipment serial")},
            {name: "mac", label: _t("Equipment MAC")},
        ]
            .map((row) => ({...row, value: this.show(row.name, data[row.name])}))
            .filter((row) => row.value || row.missing);
    }

    show(name, value) {
        const text = String(value ?? "");
        return name === "transport" ? text.toUpperCase() : text;
    }

    async onCopy(row) {
        const done = await this.copy(row.value);
        this.notification.add(
            done
                ? _t("Copied: %s", row.label)
                : _t("The browser did not let it be copied: mark the text and copy it."),
            {type: done ? "success" : "warning"}
        );
    }

    async onCopyAll() {
        const rows = this.rows.filter((row) => row.value);
        const value = rows.map((row) => `${row.label}: ${row.value}`).join("\n");
        await this.onCopy({label: _t("all data"), value});
    }

    async copy(text) {
        try {
            await browser.navigator.clipboard.writeText(text);
            return true;
        } catch {
            // Not there without https, or not permitted.
            return this.copyByCommand(text);
        }
    }

    copyByCommand(text) {
        const area = document.createElement("textarea");
        area.value = text;
        area.className = "position-absolute opacity-0";
        // Within the dialog, which takes the focus back from outside.
        this.card.el.append(area);
        area.select();
        const done = document.execCommand("copy");
        area.remove();
        return done;
    }

    onPrint() {
        browser.print();
    }
}

registry.category("actions").add("saperx_ata_dialog", (env, action) => {
    env.services.dialog.add(
        AtaDialog,
        {title: action.name, data: action.params},
        // The trace in the chatter.
        {onClose: () => env.services.action.doAction("soft_reload")}
    );
});
