/* License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl). */

import {Component, onWillStart, useState} from "@odoo/owl";
import {useBus, useService} from "@web/core/utils/hooks";
import {registry} from "@web/core/registry";
import {session} from "@web/session";

const REFRESH_MS = 30_000;

/**
 * In the menu bar: how many lines wait for the platform and how many it refused.
 */
export class SyncCounter extends Component {
    static template = "saperx_voip.SyncCounter";
    static props = {};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.menu = useService("menu");
        this.counts = useState({pending: 0, error: 0});
        this.readAt = 0;
        onWillStart(() => this.refresh());
        // Whoever moves about sees what came of it; nobody is asked while nothing is
        // done.
        useBus(this.env.bus, "ACTION_MANAGER:UI-UPDATED", () => this.refresh());
        useBus(this.env.bus, "SAPERX:SYNC-CHANGED", () => this.refresh(true));
    }

    async refresh(atOnce = false) {
        if (!atOnce && Date.now() - this.readAt < REFRESH_MS) {
            return;
        }
        this.readAt = Date.now();
        Object.assign(
            this.counts,
            await this.orm.silent.call("saperx.line", "get_sync_counts", [])
        );
    }

    async open(state) {
        const apps = this.menu.getApps();
        this.menu.setCurrentMenu(
            apps.find(({xmlid}) => xmlid === "saperx_voip.menu_root")
        );
        await this.action.doAction("saperx_voip.saperx_line_action", {
            additionalContext: {[`search_default_${state}`]: 1},
            clearBreadcrumbs: true,
        });
    }
}

if (session.is_saperx_user) {
    registry
        .category("systray")
        .add("saperx_voip.SyncCounter", {Component: SyncCounter}, {sequence: 30});
}
