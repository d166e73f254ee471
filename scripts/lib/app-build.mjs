// Builds the app.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

/** @param {string} root */
export async function buildApp(root) {
	const { status } = spawnSync(
		process.execPath,
		[path.join(root, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'warn'],
		{
			cwd: root,
			stdio: 'inherit',
		},
	);
	if (status !== 0) throw new Error('vite build failed');
	if (hasInlineScript(fs.readFileSync(path.join(root, 'build/index.html'), 'utf8')))
		throw new Error('build/index.html has an inline script');
}

/** Our content security policy forbids them; vite.config.ts moves SvelteKit's into a file. @param {string} html */
export const hasInlineScript = (html) => /<script(?![^>]*\bsrc=)[^>]*>\s*\S/i.test(html);
