// What the local hub needs to know of wrangler.toml, so that there is one place that says it. Not a TOML parser: the
// file is ours, and what is not found is a failure.
import { Failure } from './failure.mjs';

/** @param {string} toml */
export function readWranglerConfig(toml) {
	const lines = toml.replace(/^\s*#.*$/gm, '');
	const compatibilityDate = /^compatibility_date = "([^"]+)"$/m.exec(lines)?.[1];
	const objects = [
		...lines.matchAll(/^\[\[durable_objects\.bindings\]\]\nname = "([^"]+)"\nclass_name = "([^"]+)"$/gm),
	].map(([, binding = '', className = '']) => ({ binding, className }));
	const crons = JSON.parse(/^crons = (\[.*\])$/m.exec(lines)?.[1] ?? 'null');
	if (!compatibilityDate || objects.length === 0 || !crons)
		throw new Failure('wrangler.toml does not say the compatibility date, the objects and the crons as expected.');
	return { compatibilityDate, objects, /** @type {string[]} */ crons };
}
