/* License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl). */

import {_t} from "@web/core/l10n/translation";
import {browser} from "@web/core/browser/browser";
import {reactive} from "@odoo/owl";
import {registry} from "@web/core/registry";

// As many as the server reads at once.
const LINES_AT_ONCE = 80;
// What was read so lately is not read again by itself.
const FRESH_MS = 60 * 1000;

/**
 * Reads registrations in the background. What all cells of a page ask for in the same
 * moment goes to the server as one request, which shows no loading and blocks nothing.
 */
export class Registrations {
    constructor(orm) {
        this.orm = orm;
        // Line id to {loading, reading, askedAt}
        this.entries = reactive({});
        this.watched = new Map();
        this.waiting = new Map();
    }

    /**
     * Shows that a line is on the screen. Returns what to call when it no longer is.
     */
    watch(id) {
        this.watched.set(id, (this.watched.get(id) || 0) + 1);
        return () => {
            const others = this.watched.get(id) - 1;
            if (others) {
                this.watched.set(id, others);
            } else {
                this.watched.delete(id);
            }
        };
    }

    get watchedIds() {
        return [...this.watched.keys()];
    }

    isFresh(id) {
        const entry = this.entries[id];
        return Boolean(entry) && Date.now() - entry.askedAt < FRESH_MS;
    }

    /**
     * Reads a line now; resolves with its reading.
     */
    read(id) {
        if (this.waiting.has(id)) {
            return this.waiting.get(id).promise;
        }
        if (!this.waiting.size) {
            browser.setTimeout(() => this._flush());
        }
        const question = {};
        question.promise = new Promise((resolve) => {
            question.resolve = resolve;
        });
        this.waiting.set(id, question);
        this.entries[id] = {
            ...this.entries[id],
            loading: true,
            askedAt: Date.now(),
        };
        return question.promise;
    }

    readAll(ids) {
        return Promise.all(ids.map((id) => this.read(id)));
    }

    async _flush() {
        const questions = this.waiting;
        this.waiting = new Map();
        const ids = [...questions.keys()];
        for (let from = 0; from < ids.length; from += LINES_AT_ONCE) {
            const some = ids.slice(from, from + LINES_AT_ONCE);
            const readings = await this._ask(some);
            for (const id of some) {
                const reading = readings[id];
                this.entries[id] = {loading: false, reading, askedAt: Date.now()};
                questions.get(id).resolve(reading);
            }
        }
    }

    async _ask(ids) {
        try {
            const readings = await this.orm.silent.call(
                "saperx.line",
                "read_registrations",
                [ids]
            );
            return Object.fromEntries(readings.map((reading) => [reading.id, reading]));
        } catch (error) {
            const text = error.data?.message || _t("The server does not answer.");
            return Object.fromEntries(
                ids.map((id) => [
                    id,
                    {...(this.entries[id].reading || {id}), error: text},
                ])
            );
        }
    }
}

registry.category("services").add("saperx_registrations", {
    dependencies: ["orm"],
    start: (_env, {orm}) => new Registrations(orm),
});

/**
 * *Read registrations* of a list: the chosen lines, else those whose column is shown.
 */
async function readRegistrations(env, action) {
    const {saperx_registrations: registrations, notification} = env.services;
    const chosen = action.context.active_ids || [];
    const ids = chosen.length ? chosen : registrations.watchedIds;
    if (!ids.length) {
        notification.add(
            _t("Choose lines, or show the column “Registration” of the list."),
            {type: "info"}
        );
        return;
    }
    // Not waited for: whoever asked goes on working.
    registrations.readAll(ids).then((readings) => {
        const failed = readings.filter((reading) => reading.error);
        const answered = readings.filter((reading) => !reading.error);
        const online = answered.filter((reading) => reading.online).length;
        const text = _t("%(online)s online, %(offline)s offline, %(failed)s not read", {
            online,
            offline: answered.length - online,
            failed: failed.length,
        });
        notification.add(failed.length ? `${text}: ${failed[0].error}` : text, {
            title: _t("Registrations"),
            type: failed.length ? "warning" : "success",
        });
    });
}

registry
    .category("actions")
    .add("saperx_read_registrations", readRegistrations);
