/* License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl). */

import {X2ManyField, x2ManyField} from "@web/views/fields/x2many/x2many_field";
import {useOwnedDialogs, useService} from "@web/core/utils/hooks";
import {SelectCreateDialog} from "@web/views/view_dialogs/select_create_dialog";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";

const TAKEN_OVER = ["number", "city", "state_code"];

/**
 * The numbers of a line, with the guide's button *List*: picks from what is available
 * in the own stock and on the platform. Works before the line is saved, too.
 */
export class DidListField extends X2ManyField {
    static template = "saperx_voip.DidListField";

    setup() {
        super.setup();
        this.addDialog = useOwnedDialogs();
        this.orm = useService("orm");
    }

    async listNumbers() {
        await this.list.leaveEditMode();
        const {data, resId} = this.props.record;
        const {domain, warning} = await this.orm.call(
            "saperx.number",
            "prepare_picking",
            [data.integration_id.id, data.contract_id.id, resId]
        );
        if (warning) {
            this.notificationService.add(warning, {type: "warning"});
        }
        const chosen = this.list.records.map((record) => record.data.number);
        this.addDialog(SelectCreateDialog, {
            title: _t("Available numbers"),
            resModel: "saperx.number",
            domain: [...domain, ["number", "not in", chosen]],
            context: {list_view_ref: "saperx_voip.saperx_number_list_picking"},
            noCreate: true,
            onSelected: (ids) => this.addNumbers(ids),
        });
    }

    async addNumbers(ids) {
        for (const number of await this.orm.read("saperx.number", ids, TAKEN_OVER)) {
            const context = {...this.props.context};
            for (const name of TAKEN_OVER) {
                context[`default_${name}`] = number[name];
            }
            await this.list.addNewRecord({
                context,
                mode: "readonly",
                position: "bottom",
            });
        }
    }
}

registry.category("fields").add("saperx_did_list", {
    ...x2ManyField,
    component: DidListField,
});
