// What the page that SvelteKit writes still lacks.
import { createHash } from 'node:crypto';
import fs from 'node:fs';

const PAGE = 'build/index.html';
const MANIFEST = '.svelte-kit/output/client/.vite/manifest.json';

/** @param {import('@sveltejs/kit').Adapter} adapter @returns {import('@sveltejs/kit').Adapter} */
export const finished = (adapter) => ({
	...adapter,
	async adapt(builder) {
		await adapter.adapt(builder);
		fs.writeFileSync(PAGE, withHome(withoutInlineScript(fs.readFileSync(PAGE, 'utf8'))));
	},
});

/** SvelteKit starts a page by an inline script, which the Content-Security-Policy refuses: it goes into a file. @param {string} html */
function withoutInlineScript(html) {
	const inline = /<script>([\s\S]*?)<\/script>/.exec(html);
	if (!inline?.[1]) throw new Error(`${PAGE} holds no inline script: look at what SvelteKit writes now`);
	const name = `_app/immutable/boot.${createHash('sha256').update(inline[1]).digest('hex').slice(0, 8)}.js`;
	fs.writeFileSync(`build/${name}`, inline[1]);
	return html.replace(inline[0], `<script src="/${name}"></script>`);
}

/** The shell is in every page of who is signed in: it is fetched with the start, not when the start has run. @param {string} html */
function withHome(html) {
	/** @type {Record<string, {name?: string, file: string, css?: string[]}>} */
	const chunks = JSON.parse(fs.readFileSync(MANIFEST, 'utf8'));
	const home = Object.values(chunks).find(({ name }) => name === 'home');
	if (!home) throw new Error('the build has no chunk "home": look at scripts/vite/first-pages.mjs');
	const links = [
		`<link rel="modulepreload" href="/${home.file}">`,
		...(home.css ?? []).map((file) => `<link rel="preload" as="style" href="/${file}">`),
	];
	return html.replace('</head>', `${links.join('')}</head>`);
}
