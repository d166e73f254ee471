import { paraglideVitePlugin } from '@inlang/paraglide-js';
import adapterStatic from '@sveltejs/adapter-static';
import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig, type Rolldown } from 'vite';
import { FIRST_CHUNKS, firstPages } from './scripts/vite/first-pages.mjs';
import { finished } from './scripts/vite/finished-page.mjs';
import { leanLibraries } from './scripts/vite/lean-libraries.mjs';

const chunkOf = firstPages(import.meta.dirname);

export default defineConfig({
	plugins: [
		leanLibraries(),
		paraglideVitePlugin({
			project: './project.inlang',
			outdir: './app/lib/paraglide',
			strategy: ['globalVariable', 'baseLocale'],
			emitTsDeclarations: true,
		}),
		sveltekit({
			files: { src: 'app', assets: 'app/static' },
			adapter: finished(adapterStatic({ pages: 'build', assets: 'build', fallback: 'index.html' })),
			paths: { relative: false },
			version: { name: process.env.UHUB_BUILD ?? '0' },
		}),
	],
	// A small font would become a data: address, which the Content-Security-Policy refuses.
	build: { assetsInlineLimit: 0 },
	environments: {
		client: {
			build: {
				rolldownOptions: {
					output: {
						codeSplitting: {
							groups: [
								// Where chunks are cut, imports lose their order: in one chunk with zod, its setting comes before every schema.
								{ name: 'zod', test: /node_modules\/zod\/|lib\/zod-csp/ },
								// SvelteKit's start fills it before it loads the modules that read it at once, such as the version.
								{
									name: 'payload',
									test: /@sveltejs\/kit\/src\/runtime\/client\/payload\.js|vite\/preload-helper/,
									priority: 1,
								},
								...FIRST_CHUNKS.map((chunk) => ({
									name: (id: string, graph: Rolldown.ChunkingContext) => (chunkOf(id, graph) === chunk ? chunk : null),
								})),
								// Of the rest, what many pages share comes at once: a hundred icons and words one by one cost more than they weigh.
								{ name: 'hub', test: /app\/lib|client\/|domain\/|protocol\/|@lucide/, minShareCount: 7 },
							],
						},
					},
				},
			},
		},
	},
	server: { proxy: { '/api': 'http://127.0.0.1:8787', '/live': { target: 'http://127.0.0.1:8787', ws: true } } },
});
