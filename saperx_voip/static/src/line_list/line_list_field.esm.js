/* License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl). */

import {X2ManyField, x2ManyField} from "@web/views/fields/x2many/x2many_field";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";

/**
 * A list of lines on a contract, whose rows open in the lines' own form: they are
 * never written through the contract, which their editors may only read.
 */
export class LineListField extends X2ManyField {
    setup() {
        super.setup();
        this.action = useService("action");
    }

    async openRecord(record) {
        await this.action.doActionButton({
            type: "object",
            name: "action_open",
            resModel: record.resModel,
            resId: record.resId,
        });
    }
}

registry.category("fields").add("saperx_line_list", {
    ...x2ManyField,
    component: LineListField,
});
