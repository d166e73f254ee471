// `npm run backup -- DIRECTORY`: the local hub's data as it is at one moment, while it runs or not. docs/backup.md
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { copyAll, seal } from './lib/backup.mjs';
import { Failure } from './lib/failure.mjs';
import { takeLock } from './lib/lock.mjs';
import { readMigrations } from './lib/migrations.mjs';
import { runningHub, whilePaused } from './lib/pause.mjs';
import { readSettings } from './lib/settings.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

async function main() {
	const [wanted] = process.argv.slice(2);
	if (!wanted) throw new Failure('say where to, as in: npm run backup -- ../uhub-backup');
	const { dataDir } = readSettings(process.env, root);
	const target = path.resolve(wanted);
	if (!fs.existsSync(path.join(dataDir, 'd1'))) throw new Failure(`there is no hub's data in ${dataDir}.`);
	if (fs.existsSync(target)) throw new Failure(`${target} exists already: a backup goes into a directory of its own.`);
	if (`${target}${path.sep}`.startsWith(`${dataDir}${path.sep}`))
		throw new Failure(`${target} is in the data directory.`);

	const made_at = new Date().toISOString();
	const { version } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
	const migrations = readMigrations(path.join(root, 'migrations')).map(({ name }) => name);
	fs.mkdirSync(target, { recursive: true, mode: 0o700 });
	try {
		const groups = runningHub(dataDir);
		if (groups?.length === 0) throw new Failure('the hub is just starting: try again in a moment.');
		const started = performance.now();
		if (groups) await whilePaused(groups, () => copyAll(dataDir, target));
		else {
			// So that none starts meanwhile.
			const lock = takeLock(dataDir);
			try {
				copyAll(dataDir, target);
			} finally {
				lock.release();
			}
		}
		const paused = Math.round(performance.now() - started);
		const files = seal(target, { version, migrations, made_at });
		const megabytes = (files.reduce((sum, { size }) => sum + size, 0) / 1_048_576).toFixed(1);
		console.log(`Backed up ${files.length} files (${megabytes} MB) to ${target}.`);
		if (groups) console.log(`The hub stood still for ${paused} ms.`);
		console.log("It holds the hub's secrets: keep it as you keep them.");
	} catch (error) {
		fs.rmSync(target, { recursive: true, force: true });
		throw error;
	}
}

main().catch((error) => {
	console.error(error instanceof Failure ? `No backup was made: ${error.message}` : error);
	process.exit(1);
});
