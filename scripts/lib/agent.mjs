// The local agent: enrolled once with a token from the hub's control socket, then kept running beside the hub.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { control } from './control.mjs';
import { Failure, messageOf } from './failure.mjs';
import { spawnGuarded } from './guard.mjs';

/**
 * @typedef {object} AgentPlace
 * @property {string} node
 * @property {string} program the bundled agent
 * @property {string} home
 * @property {string} hubUrl
 */

/**
 * Enrols the agent once; later, tells it where the hub listens now, since PORT may have changed.
 * @param {AgentPlace} place
 * @param {string} controlSocket
 */
export async function prepareAgent({ node, program, home, hubUrl }, controlSocket) {
	const configFile = path.join(home, 'agent.json');
	if (fs.existsSync(configFile)) {
		const config = JSON.parse(fs.readFileSync(configFile, 'utf8'));
		if (config.hub !== hubUrl)
			fs.writeFileSync(configFile, JSON.stringify({ ...config, hub: hubUrl }, null, '\t'), { mode: 0o600 });
		return;
	}
	const { token } = await control(controlSocket, 'POST', '/enrol');
	const flags = ['--hub', hubUrl, '--token', '-', '--home', home, '--name', 'local', '--allow-local'];
	try {
		const enrolling = promisify(execFile)(node, [program, 'enroll', ...flags], { timeout: 30_000 });
		enrolling.child.stdin?.end(token);
		await enrolling;
	} catch (error) {
		const { stderr = '' } = /** @type {{stderr?: string}} */ (error);
		throw new Failure(`The local agent could not enrol: ${stderr.trim() || messageOf(error)}`);
	}
}

/** @param {AgentPlace} place @param {string} logFile */
export async function startAgent({ node, program, home }, logFile) {
	const log = fs.openSync(logFile, 'a', 0o600);
	const child = spawnGuarded(node, [program, 'start', '--home', home], {
		env: agentEnvironment(process.env),
		log,
		orphaned: 'TERM',
	});
	fs.closeSync(log);
	return child;
}

/** What a person's shell says about docker, ssh and proxies is the agent's business; the hub's settings are not. */
export const agentEnvironment = (/** @type {Record<string, string | undefined>} */ env) =>
	Object.fromEntries(Object.entries(env).filter(([name]) => !/^(UHUB_|npm_|PORT$|HOST$)/.test(name)));
