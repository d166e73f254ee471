// `npm run deploy`: the same code and the same migrations, to Cloudflare. With `-- --dry-run` it needs no account and no
// network: it builds, bundles and says what would be uploaded. docs/deploy.md says what must exist first.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Failure } from './lib/failure.mjs';
import { prepareTools } from './lib/tools.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const dryRun = process.argv.includes('--dry-run');
const PLACEHOLDER = '00000000-0000-0000-0000-000000000000';

async function main() {
	if (!dryRun && fs.readFileSync(path.join(root, 'wrangler.toml'), 'utf8').includes(PLACEHOLDER))
		throw new Failure('wrangler.toml has no database yet: create it and write its id there, as docs/deploy.md says.');
	const node = await prepareTools(root);
	const run = (/** @type {string} */ script, /** @type {string[]} */ ...args) => {
		const { status } = spawnSync(node, [path.join(root, script), ...args], {
			cwd: root,
			stdio: 'inherit',
			env: { ...process.env, WRANGLER_SEND_METRICS: 'false' },
		});
		if (status !== 0) process.exit(status ?? 1);
	};
	const wrangler = 'node_modules/wrangler/bin/wrangler.js';
	run('scripts/build.mjs', 'app', 'agent', 'cli', 'files');
	if (!dryRun) run(wrangler, 'd1', 'migrations', 'apply', 'uhub', '--remote');
	run(wrangler, 'deploy', ...(dryRun ? ['--dry-run', '--outdir', 'dist/deploy'] : []));
}

main().catch((error) => {
	console.error(error instanceof Failure ? `uHub cannot be deployed: ${error.message}` : error);
	process.exit(1);
});
