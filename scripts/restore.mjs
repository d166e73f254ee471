// `npm run restore -- DIRECTORY`: a backup becomes the data of a hub that has none. docs/backup.md
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readManifest, restoreInto } from './lib/backup.mjs';
import { Failure } from './lib/failure.mjs';
import { readMigrations } from './lib/migrations.mjs';
import { readSettings } from './lib/settings.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

try {
	const [wanted] = process.argv.slice(2);
	if (!wanted) throw new Failure('say from where, as in: npm run restore -- ../uhub-backup');
	const { dataDir } = readSettings(process.env, root);
	const source = path.resolve(wanted);
	const known = readMigrations(path.join(root, 'migrations')).map(({ name }) => name);
	const manifest = readManifest(source, known);
	restoreInto(source, dataDir, manifest);
	console.log(
		`Restored ${manifest.files.length} files of ${manifest.made_at} to ${dataDir}. Start the hub with npm start.`,
	);
} catch (error) {
	console.error(error instanceof Failure ? `Nothing was restored: ${error.message}` : error);
	process.exit(1);
}
