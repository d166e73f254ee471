// What a browser needs before it can show the first page, and nothing else, so that a feature of another page costs only that
// page. Chunks by how many pages share a module would put more and more of everything into the first load.
import path from 'node:path';

/** @param {string} folder @param {string[]} files */
const route = (folder, ...files) => files.map((file) => `app/routes/${folder}${file}`);

/** The modules that the chunks begin with. What two of them need is in `base`. */
const CHUNKS = {
	base: ['app/hooks.client.ts', ...route('', '+layout.ts', '+layout.svelte', '+error.svelte')],
	home: route('(hub)/', '+layout.ts', '+layout.svelte', '+page.ts', '+page.svelte'),
	front: route('sign-in/', '+page.ts', '+page.svelte'),
	// Fetched soon after the first page, whichever it is.
	palette: ['app/lib/shell/Palette.svelte'],
};
/**
 * Vite's own, by which every import of a chunk goes. With SvelteKit's payload (vite.config.ts): its start needs it before it has filled what SvelteKit's other
 * modules read at once, and with a chunk that imports those every page that fails would load itself again, for ever.
 */
const LOADER = '\0vite/preload-helper.js';
const LIBRARY = /node_modules\/(svelte|@sveltejs|devalue|esm-env|clsx)\//;
const MESSAGES = 'app/lib/paraglide/messages';
/** `m.sign_out` in a module: the index of messages imports all of them, and says nothing of who uses which. */
const SAID = /\bm\.([a-z0-9_]+)/g;

/** In the order in which they are loaded: one that comes earlier takes its modules' imports along. */
export const FIRST_CHUNKS = ['kit', ...Object.keys(CHUNKS)];

/**
 * The chunk of the first pages that a module belongs to, if any.
 *
 * @param {string} root of the repository
 */
export function firstPages(root) {
	/** @type {Map<string, string> | undefined} */
	let chunks;
	/** @param {string} id @param {import('vite').Rolldown.ChunkingContext} graph */
	return (id, graph) => (chunks ??= assign(root, graph)).get(id) ?? null;
}

/** @param {string} root @param {import('vite').Rolldown.ChunkingContext} graph */
function assign(root, graph) {
	/** @type {Map<string, string>} */
	const chunks = new Map();
	for (const [chunk, files] of Object.entries(CHUNKS))
		for (const id of needed(root, graph, files))
			if (id !== LOADER) chunks.set(id, LIBRARY.test(id) ? 'kit' : chunks.has(id) ? 'base' : chunk);
	return chunks;
}

/** @param {string} root @param {import('vite').Rolldown.ChunkingContext} graph @param {string[]} files */
function needed(root, graph, files) {
	const indexes = [`${MESSAGES}.js`, `${MESSAGES}/_index.js`].map((file) => path.join(root, file));
	const found = new Set(files.map((file) => path.join(root, file)));
	for (const id of found) {
		const module = graph.getModuleInfo(id);
		if (!module) continue;
		for (const imported of module.importedIds) if (!indexes.includes(imported)) found.add(imported);
		for (const [, name] of module.code?.matchAll(SAID) ?? []) found.add(path.join(root, MESSAGES, `${name}.js`));
	}
	return found;
}
