// Brings a hub up in order - Worker, migrations, demo, agent - and takes it down in the reverse one.
import fs from 'node:fs';
import path from 'node:path';
import { prepareAgent, startAgent } from './agent.mjs';
import { control } from './control.mjs';
import { controlSocketPath, prepareControlSocket } from './data-dir.mjs';
import { prepareDemo } from './demo.mjs';
import { Failure } from './failure.mjs';
import { takeLock } from './lock.mjs';
import { logTail, rotateLog } from './logs.mjs';
import { readMigrations } from './migrations.mjs';
import { hubSecret, refuseKnownPassword } from './secrets.mjs';
import { isLoopback, localUrlOf, urlOf } from './settings.mjs';
import { supervise } from './supervise.mjs';
import { workerdConfig } from './workerd-config.mjs';
import { reservePort, startWorkerd } from './workerd.mjs';
import { readWranglerConfig } from './wrangler-config.mjs';

const HEALTH_PATIENCE_MS = 10_000;
// A port that was just let go by a hub that was killed is free again within this time.
const PORT_PATIENCE_MS = 1_500;
const AGENT_PATIENCE_MS = 30_000;
// Requests in flight may finish; WebSockets never would, and their state is on disk.
const WORKERD_PATIENCE_MS = 1_000;
const MOST_WORKERD_FAILURES = 5;

/**
 * @param {object} options
 * @param {string} options.root
 * @param {import('./settings.mjs').Settings} options.settings
 * @param {string} options.node runs the agent
 * @param {ReturnType<typeof import('./progress.mjs').createProgress>} options.step
 * @param {(line: string) => void} options.say
 * @param {(error: Failure) => void} options.onFailure the hub cannot be kept running
 */
export async function startHub({ root, settings, node, step, say, onFailure }) {
	const { dataDir, host, demo } = settings;
	if (!isLoopback(host)) refuseKnownPassword(dataDir, host);
	const lock = takeLock(dataDir);
	/** @type {Awaited<ReturnType<typeof supervise>>[]} */
	const running = [];
	/** @type {Map<string, number>} */
	const pids = new Map();
	const remember = (/** @type {string} */ name) => (/** @type {import('node:child_process').ChildProcess} */ child) => {
		pids.set(name, /** @type {number} */ (child.pid));
		lock.remember([...pids.values()]);
	};

	try {
		const port = await reservePort(host, settings.port, PORT_PATIENCE_MS);
		const controlSocket = controlSocketPath(dataDir);
		prepareControlSocket(controlSocket);
		const configFile = writeConfig(root, settings, port, controlSocket);
		const workerdLog = path.join(dataDir, 'logs/hub.log');
		const agentLog = path.join(dataDir, 'logs/agent.log');
		[workerdLog, agentLog].forEach(rotateLog);

		const secret = hubSecret(dataDir);
		const workerd = await step('hub process', () =>
			supervise({
				start: () =>
					startWorkerd({ root, configFile, controlSocket, logFile: workerdLog, secret, variables: settings.variables }),
				onStart: remember('workerd'),
				onEnd: ({ code, failures }) => {
					const lost = failures > MOST_WORKERD_FAILURES;
					if (lost)
						onFailure(
							new Failure(
								`The hub's runtime keeps ending (code ${code}). The end of ${workerdLog}:\n${logTail(workerdLog)}`,
							),
						);
					else say(`The hub's runtime ended by itself (code ${code}); starting it again.`);
					return !lost;
				},
			}),
		);
		running.push(workerd);

		const { problems } = await control(controlSocket, 'GET', '/settings');
		if (problems.length > 0)
			throw new Failure(`the hub is not set up as it should be (docs/deploy.md):\n${problems.join('\n')}`);
		const { applied } = await step('migrations', () =>
			control(controlSocket, 'POST', '/migrate', readMigrations(path.join(root, 'migrations'))),
		);
		if (applied.length > 0) say(`  ✓ ${applied.length} migration${applied.length > 1 ? 's' : ''} applied`);
		const accounts = demo ? await step('demo', () => prepareDemo(dataDir, settings.demoPassword, controlSocket)) : null;
		await step('health', () => untilHealthy(localUrlOf(host, port), workerdLog));

		if (accounts && settings.agent) {
			const place = {
				node,
				program: path.join(root, 'dist/uhub-agent.mjs'),
				home: path.join(dataDir, 'agent'),
				hubUrl: localUrlOf(host, port),
			};
			await step('local agent', async () => {
				await prepareAgent(place, controlSocket);
				const agent = await supervise({
					start: () => startAgent(place, agentLog),
					onStart: remember('agent'),
					onEnd: ({ code, failures }) => {
						say(
							`The local agent ended by itself (code ${code}, ${failures} in a row; see ${agentLog}); starting it again.`,
						);
						return true;
					},
				});
				// The agent stops first: its runs report to a hub that still listens.
				running.unshift(agent);
			});
		}
		return { url: urlOf(host, port), accounts, stop, kill };
	} catch (error) {
		await stop();
		throw error;
	}

	async function stop() {
		for (const child of running)
			await child.stop('SIGTERM', child === running.at(-1) ? WORKERD_PATIENCE_MS : AGENT_PATIENCE_MS);
		lock.release();
	}

	function kill() {
		for (const child of running) child.kill();
		lock.release();
	}
}

/** @param {string} root @param {import('./settings.mjs').Settings} settings @param {number} port @param {string} controlSocket */
function writeConfig(root, { dataDir, host, variables, webhookNetworks, url }, port, controlSocket) {
	const { version } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
	const file = path.join(dataDir, 'hub.capnp');
	const config = workerdConfig({
		...readWranglerConfig(fs.readFileSync(path.join(root, 'wrangler.toml'), 'utf8')),
		publicAddress: urlOf(host, port).replace('http://', ''),
		controlSocket,
		hubModule: path.join(root, 'dist/local/hub.js'),
		assetsModule: path.join(root, 'dist/local/assets.js'),
		assetsManifest: path.join(root, 'dist/local/assets.json'),
		assetsDir: path.join(root, 'build'),
		miniflareDir: path.join(root, 'node_modules/miniflare/dist/src/workers'),
		dataDir,
		version,
		variables: Object.keys(variables),
		webhookNetworks,
		url: url ?? localUrlOf(host, port),
	});
	fs.writeFileSync(file, config, { mode: 0o600 });
	return file;
}

/** @param {string} url @param {string} log */
async function untilHealthy(url, log) {
	const deadline = Date.now() + HEALTH_PATIENCE_MS;
	for (;;) {
		const answer = await fetch(`${url}/api/health`, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
		if (answer?.ok) return;
		if (Date.now() > deadline)
			throw new Failure(
				`The hub started but is not healthy (${answer?.status ?? 'no answer'}). The end of ${log}:\n${logTail(log)}`,
			);
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}
