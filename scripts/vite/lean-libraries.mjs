// Libraries of every page that carry what no page of this app uses, and cannot be asked to leave it out. Together 10 kB of
// the first load, compressed.
import fs from 'node:fs';

/** Zod writes JSON Schema of every schema: the API's document needs that, a browser never does. */
const JSON_SCHEMA = /\/zod\/v4\/core\/(?:json-schema-processors|to-json-schema)\.js$/;
const EXPORTED = /^export (?:async )?(?:function|const|class) (\w+)/gm;
/** What tells the bounds of a number or a text, which forms do ask for. */
const BOUNDS = 'aggregateChecks';

/** SvelteKit keeps the state of a page, and reads what its server sends, with devalue. No page has either: JSON will do. */
const DEVALUE = `
export const parse = (text) => JSON.parse(text);
export const stringify = (value) => JSON.stringify(value);
const none = () => { throw new Error('devalue is not in the browser: see scripts/vite/lean-libraries.mjs'); };
export { none as unflatten, none as uneval };
`;

/** Paraglide writes each message as three functions. One that takes no inputs is a text in either language. */
const MESSAGE = /\/lib\/paraglide\/messages\/(\w+)\.js$/;
const TEXT = /^const (\w\w)_\w+ = [^\n]* \(\) => \{\n\treturn [^\n`]*(`(?:[^`\\$]|\\.)*`)\)\n\};/gm;

/** @returns {import('vite').Plugin} */
export function leanLibraries() {
	return {
		name: 'lean-libraries',
		apply: 'build',
		applyToEnvironment: ({ name }) => name === 'client',
		load: {
			filter: { id: [JSON_SCHEMA, /\/devalue\/index\.js$/] },
			handler(id) {
				if (!JSON_SCHEMA.test(id)) return DEVALUE;
				const names = Array.from(fs.readFileSync(id, 'utf8').matchAll(EXPORTED), ([, name]) => name);
				const written = names.filter((name) => name !== BOUNDS).map((name) => `none as ${name}`);
				return [
					`const none = () => { throw new Error('Zod writes no JSON Schema in the browser'); };`,
					`export { ${written.join(', ')} };`,
					names.includes(BOUNDS) ? `export { ${BOUNDS} } from ${JSON.stringify(`${id}?whole`)};` : '',
				].join('\n');
			},
		},
		transform: {
			filter: { id: MESSAGE },
			handler(code, id) {
				const [, name] = MESSAGE.exec(id) ?? [];
				const said = Object.fromEntries(Array.from(code.matchAll(TEXT), ([, locale, text]) => [locale, text]));
				if (!said.en || !said.fr || !code.includes(`export const ${name} =`)) return;
				return {
					code: `import { said } from '../../i18n/said.ts';\nexport const ${name} = said(${said.en}, ${said.fr});`,
					map: null,
				};
			},
		},
	};
}
