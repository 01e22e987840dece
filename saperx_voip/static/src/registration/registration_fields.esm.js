/* License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl). */

import {Component, useEffect, useState} from "@odoo/owl";
import {deserializeDateTime, formatDateTime} from "@web/core/l10n/dates";
import {_t} from "@web/core/l10n/translation";
import {formatCurrency} from "@web/core/currency";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";
import {useService} from "@web/core/utils/hooks";

/**
 * What both widgets show of a line's registration.
 */
class RegistrationField extends Component {
    static props = {...standardFieldProps};

    setup() {
        this.registrations = useService("saperx_registrations");
        this.entries = useState(this.registrations.entries);
    }

    get id() {
        return this.props.record.resId;
    }

    get isLoading() {
        return Boolean(this.entries[this.id]?.loading);
    }

    get reading() {
        const own = this.entries[this.id]?.reading;
        const stored = this.props.record.data[this.props.name];
        // Another user, or another tab, may have read it since.
        const isOlder = own && stored && stored.read_at > (own.read_at || "");
        return (isOlder ? stored : own || stored) || null;
    }

    get isKnown() {
        return Boolean(this.reading?.read_at);
    }

    get latency() {
        const {latency_ms: latency} = this.reading;
        return typeof latency === "number" ? _t("%s ms", latency) : "";
    }

    get balance() {
        const {balance, currency_id: currency} = this.reading;
        return typeof balance === "number" ? formatCurrency(balance, currency) : "";
    }

    get readAt() {
        return _t("Read on %s", this.formatMoment(this.reading.read_at));
    }

    get since() {
        const moment = this.formatMoment(this.reading.changed_at);
        return this.reading.online
            ? _t("Online at least since %s", moment)
            : _t("Offline at least since %s", moment);
    }

    formatMoment(text) {
        return text ? formatDateTime(deserializeDateTime(text)) : "";
    }
}

/**
 * A badge in a list. Reads as soon as its column is shown, all rows at once.
 */
export class RegistrationBadge extends RegistrationField {
    static template = "saperx_voip.RegistrationBadge";

    setup() {
        super.setup();
        useEffect(
            (id) => {
                if (!id) {
                    return;
                }
                if (!this.registrations.isFresh(id)) {
                    this.registrations.read(id);
                }
                return this.registrations.watch(id);
            },
            () => [this.id]
        );
    }

    get tooltip() {
        if (!this.reading) {
            return "";
        }
        const {error, ip, balance_label: label} = this.reading;
        const rows = [error];
        if (this.isKnown) {
            rows.push(ip, this.balance && `${label}: ${this.balance}`, this.since);
        }
        return rows.filter(Boolean).join("\n");
    }
}

/**
 * A panel in a form; reads when its button is pressed.
 */
export class RegistrationPanel extends RegistrationField {
    static template = "saperx_voip.RegistrationPanel";

    onRead() {
        this.registrations.read(this.id);
    }
}

registry.category("fields").add("saperx_registration", {
    component: RegistrationBadge,
    supportedTypes: ["json"],
});
registry.category("fields").add("saperx_registration_panel", {
    component: RegistrationPanel,
    supportedTypes: ["json"],
});
