/* License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl). */

import {CharField, charField} from "@web/views/fields/char/char_field";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";
import {useState} from "@odoo/owl";

/**
 * A SIP password with *Generate password*: the server makes one from the system's
 * random source, and it is shown until the line is saved.
 */
export class PasswordField extends CharField {
    static template = "saperx_voip.PasswordField";

    setup() {
        super.setup();
        this.orm = useService("orm");
        this.state = useState({isShown: false});
    }

    get isMasked() {
        return !(this.state.isShown && this.props.record.data[this.props.name]);
    }

    async generate() {
        const {name, record} = this.props;
        const password = await this.orm.call(record.resModel, "generate_password", []);
        this.state.isShown = true;
        await record.update({[name]: password});
    }
}

registry.category("fields").add("saperx_password", {
    ...charField,
    component: PasswordField,
});
