// `npm start`: from a fresh clone to a running hub. Plain JavaScript without dependencies, because on the first start
// there are none. docs/adr/0002-local-launcher.md says how the parts fit.
import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { prepareDataDir, requireRoom } from './lib/data-dir.mjs';
import { Failure, messageOf } from './lib/failure.mjs';
import { startHub } from './lib/hub.mjs';
import { install, isInstalled, toolNode } from './lib/install.mjs';
import { stalePieces } from './lib/pieces.mjs';
import { createProgress } from './lib/progress.mjs';
import { checkNode, readSettings } from './lib/settings.mjs';
import { onStopRequest } from './lib/stop-request.mjs';

const ROOM_TO_INSTALL_MB = 1000;
const ROOM_TO_RUN_MB = 100;
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const say = (/** @type {string} */ line) => console.log(line);
const step = createProgress(say);

/** @param {unknown} error @returns {never} */
function fail(error) {
	console.error(error instanceof Failure ? `uHub cannot start: ${error.message}` : error);
	process.exit(1);
}

/** @param {string} node @param {import('./lib/settings.mjs').Settings} settings */
function build(node, settings) {
	const names = stalePieces(root).map(({ piece }) => piece.name);
	if (names.length === 0) return;
	return step(
		'built',
		() => {
			const { status, stdout, stderr } = spawnSync(node, [path.join(root, 'scripts/build.mjs'), ...names], {
				cwd: root,
				encoding: 'utf8',
			});
			if (status === 0) return;
			const output = `${stdout}${stderr}`.trim();
			const log = path.join(settings.dataDir, 'logs/build.log');
			fs.writeFileSync(log, output);
			throw new Failure(
				`the build failed; all of what it said is in ${log}:\n${output.split('\n').slice(0, 15).join('\n')}`,
			);
		},
		`Building ${names.join(', ')} …`,
	);
}

async function main() {
	checkNode(process.versions.node);
	const settings = readSettings(process.env, root);
	prepareDataDir(settings.dataDir);
	requireRoom(settings.dataDir, ROOM_TO_RUN_MB, 'the hub');
	if (!isInstalled(root)) {
		requireRoom(root, ROOM_TO_INSTALL_MB, 'the installation');
		await step('installed', () => install(root), 'Installing packages (once, about 30 s) …');
	}
	const node = toolNode(root);
	await build(node, settings);

	const starting = startHub({ root, settings, node, step, say, onFailure: fail });
	onStopRequest({
		stop: async () => {
			const hub = await starting;
			say('Stopping: the agent and its runs first …');
			await hub.stop();
			say('uHub stopped.');
			process.exit(0);
		},
		force: async () => {
			(await starting).kill();
			process.exit(1);
		},
	});
	const { url, accounts } = await starting;
	say(`uHub ready on ${url}`);
	if (accounts) say(`Sign in as admin, projets, dev or ops with the password ${accounts.password}`);
	else if (settings.demo)
		say('Sign in with your account: this hub has its own people, so it has no demo accounts and no local agent.');
	else say('Open it to create the first admin, or to sign in.');
}

main().catch((error) => fail(error instanceof Failure ? error : new Failure(messageOf(error))));
