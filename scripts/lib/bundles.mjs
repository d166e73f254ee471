// The bundles that run outside the browser.
import fs from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import { build } from 'esbuild';

// Packages written for Node import `crypto`; workerd knows it as `node:crypto` only.
const nodeNames = Object.fromEntries(
	builtinModules.filter((name) => !name.startsWith('_')).map((name) => [name, `node:${name}`]),
);

/** @param {string} root */
export async function buildWorker(root) {
	await build({
		entryPoints: [
			{ in: path.join(root, 'worker/local.ts'), out: 'hub' },
			{ in: path.join(root, 'worker/local-assets.ts'), out: 'assets' },
		],
		outdir: path.join(root, 'dist/local'),
		bundle: true,
		format: 'esm',
		target: 'es2024',
		platform: 'browser',
		conditions: ['workerd', 'worker', 'browser'],
		external: ['cloudflare:*', 'node:*'],
		alias: nodeNames,
		define: { 'process.env.NODE_ENV': '"production"' },
		// Names stay, so that a stack in the log can be read.
		minifySyntax: true,
		minifyWhitespace: true,
		legalComments: 'none',
		logLevel: 'warning',
	});
}

/** @param {string} root */
export const buildAgent = (root) => buildProgram(root, 'agent/main.ts', 'dist/uhub-agent.mjs');

/** @param {string} root */
export const buildCli = (root) => buildProgram(root, 'cli/main.ts', 'dist/uhub.mjs');

/**
 * Node's own modules by require(), also for code that imports them: an import makes every export at once, among them those of
 * `node:http` that load a whole client which no program here uses, a seventh of the agent's start.
 * @type {import('esbuild').Plugin}
 */
const required = {
	name: 'required',
	setup({ onResolve, onLoad }) {
		const ofNode = new RegExp(`^(node:|(${builtinModules.join('|')})$)`);
		onResolve({ filter: ofNode }, ({ path: name, kind }) =>
			kind === 'require-call' ? { path: name, external: true } : { path: name, namespace: 'required' },
		);
		onLoad({ filter: /^/, namespace: 'required' }, ({ path: name }) => ({
			contents: `module.exports = require(${JSON.stringify(name)})`,
		}));
	},
};

/** One file that needs only Node 22. @param {string} root @param {string} entry @param {string} result */
async function buildProgram(root, entry, result) {
	const outfile = path.join(root, result);
	await build({
		entryPoints: [path.join(root, entry)],
		outfile,
		bundle: true,
		plugins: [required],
		format: 'esm',
		target: 'node22',
		platform: 'node',
		// ssh2 does without its native parts where they are not there, and they never are.
		external: ['*.node', 'cpu-features'],
		// It looks for a program of Windows there.
		define: { __dirname: '"/"' },
		// Packages in the older module system call require() for Node's own modules.
		banner: {
			js: "#!/usr/bin/env node\nimport { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);",
		},
		// Names stay, so that a stack can be read.
		minifySyntax: true,
		minifyWhitespace: true,
		legalComments: 'none',
		logLevel: 'warning',
	});
	fs.chmodSync(outfile, 0o755);
}
