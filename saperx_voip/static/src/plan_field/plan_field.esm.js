/* License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl). */

import {
    Many2OneField,
    buildM2OFieldDescription,
    extractM2OFieldProps,
} from "@web/views/fields/many2one/many2one_field";
import {useOwnedDialogs, useService} from "@web/core/utils/hooks";
import {SelectCreateDialog} from "@web/views/view_dialogs/select_create_dialog";
import {registry} from "@web/core/registry";

/**
 * A plan of the platform with the guide's button *Search plan*. Its label is the
 * field's attribute ``add-label``.
 */
export class PlanField extends Many2OneField {
    static template = "saperx_voip.PlanField";
    static props = {...Many2OneField.props, searchLabel: {type: String}};

    setup() {
        super.setup();
        this.addDialog = useOwnedDialogs();
        this.orm = useService("orm");
    }

    get m2oProps() {
        const {searchLabel: _searchLabel, ...props} = super.m2oProps;
        return props;
    }

    search() {
        const {relation, domain, string, update} = this.m2oProps;
        this.addDialog(SelectCreateDialog, {
            title: string,
            resModel: relation,
            domain: domain(),
            multiSelect: false,
            noCreate: true,
            onSelected: async ([id]) => {
                const [plan] = await this.orm.read(relation, [id], ["display_name"]);
                await update(plan);
            },
        });
    }
}

registry.category("fields").add("saperx_plan", {
    ...buildM2OFieldDescription(PlanField),
    extractProps: (staticInfo, dynamicInfo) => ({
        ...extractM2OFieldProps(staticInfo, dynamicInfo),
        searchLabel: staticInfo.attrs["add-label"],
    }),
});
