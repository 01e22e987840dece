/* License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl). */

import {FormController} from "@web/views/form/form_controller";
import {formView} from "@web/views/form/form_view";
import {onWillUnmount, status, useEffect} from "@odoo/owl";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";

const NOTIFICATION = "saperx_record_changed";

/**
 * A form whose record also changes behind the user's back: a push or an import tells
 * so on the record's own channel, and the form shows it, unless it is being edited.
 */
export class ReloadingFormController extends FormController {
    setup() {
        super.setup();
        const bus = useService("bus_service");
        const reload = async () => {
            const {root} = this.model;
            if (status(this) === "mounted" && !(await root.isDirty())) {
                await root.load();
            }
        };
        const onChanged = async ({id}) => {
            this.env.bus.trigger("SAPERX:SYNC-CHANGED");
            // Told while the form itself is still being loaded, it is loaded with it.
            if (id !== this.model.root?.resId) {
                return;
            }
            try {
                await reload();
            } catch (error) {
                // Another view took the form's place meanwhile: nobody looks any more.
                if (status(this) === "mounted") {
                    throw error;
                }
            }
        };
        bus.subscribe(NOTIFICATION, onChanged);
        onWillUnmount(() => bus.unsubscribe(NOTIFICATION, onChanged));
        useEffect(
            (resId) => {
                if (!resId) {
                    return;
                }
                const channel = `${this.props.resModel}_${resId}`;
                bus.addChannel(channel);
                // What came about before the channel was open is not told again.
                onChanged({id: resId});
                return () => bus.deleteChannel(channel);
            },
            () => [this.model.root.resId]
        );
    }
}

registry.category("views").add("saperx_reloading_form", {
    ...formView,
    Controller: ReloadingFormController,
});
