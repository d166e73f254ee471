import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { paraglideVitePlugin } from '@inlang/paraglide-js';
import adapterStatic from '@sveltejs/adapter-static';
import type { Adapter } from '@sveltejs/kit';
import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig } from 'vite';

const page = 'build/index.html';

/** SvelteKit starts a page by an inline script, which the Content-Security-Policy refuses: it goes into a file. */
function withoutInlineScript(adapter: Adapter): Adapter {
	return {
		...adapter,
		async adapt(builder) {
			await adapter.adapt(builder);
			const html = readFileSync(page, 'utf8');
			const inline = /<script>([\s\S]*?)<\/script>/.exec(html);
			if (!inline?.[1]) throw new Error(`${page} holds no inline script: look at what SvelteKit writes now`);
			const name = `_app/immutable/boot.${createHash('sha256').update(inline[1]).digest('hex').slice(0, 8)}.js`;
			writeFileSync(`build/${name}`, inline[1]);
			writeFileSync(page, html.replace(inline[0], `<script src="/${name}"></script>`));
		},
	};
}

export default defineConfig({
	plugins: [
		paraglideVitePlugin({
			project: './project.inlang',
			outdir: './app/lib/paraglide',
			strategy: ['globalVariable', 'baseLocale'],
			emitTsDeclarations: true,
		}),
		sveltekit({
			files: { src: 'app', assets: 'app/static' },
			adapter: withoutInlineScript(adapterStatic({ pages: 'build', assets: 'build', fallback: 'index.html' })),
			paths: { relative: false },
			version: { name: process.env.UHUB_BUILD ?? '0' },
		}),
	],
	// A small font would become a data: address, which the Content-Security-Policy refuses.
	build: {
		assetsInlineLimit: 0,
		// Where chunks are cut, imports lose their order: in one chunk with zod, its setting comes before every schema.
		rolldownOptions: {
			output: {
				codeSplitting: {
					groups: [
						{ name: 'zod', test: /node_modules\/zod\/|lib\/zod-csp/ },
						// SvelteKit's start fills it before it loads the modules that read it at once, such as the version.
						{ name: 'payload', test: /@sveltejs\/kit\/src\/runtime\/client\/payload\.js/, priority: 1 },
						{ name: 'kit', test: /node_modules\/(svelte|@sveltejs|esm-env|clsx)\//, minShareCount: 2 },
						// What most pages share comes at once: a hundred icons and words one by one cost more than they weigh.
						// Freezes are not among it: many pages plan, and the first does not.
						{
							name: 'hub',
							test: /app\/lib(?!\/freeze|\/paraglide\/messages\/freeze)|domain\/(?!freeze)|protocol\/|@lucide(?!.*snowflake)/,
							minShareCount: 7,
						},
					],
				},
			},
		},
	},
	server: { proxy: { '/api': 'http://127.0.0.1:8787', '/live': { target: 'http://127.0.0.1:8787', ws: true } } },
});
