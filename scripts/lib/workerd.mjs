// Runs the hub's Worker: `workerd serve` with the generated configuration.
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { once } from 'node:events';
import readline from 'node:readline';
import { Failure } from './failure.mjs';
import { spawnGuarded } from './guard.mjs';
import { logTail } from './logs.mjs';

/** Finds the port, or a free one for 0; says so when another program has it. @param {string} host @param {number} port */
export async function reservePort(host, port, patienceMs = 0) {
	const deadline = Date.now() + patienceMs;
	for (;;) {
		const server = net.createServer();
		try {
			server.listen({ host, port, exclusive: true });
			await once(server, 'listening');
			const address = /** @type {net.AddressInfo} */ (server.address());
			server.close();
			await once(server, 'close');
			return address.port;
		} catch (error) {
			const { code } = /** @type {NodeJS.ErrnoException} */ (error);
			if (code === 'EADDRINUSE' && Date.now() < deadline) {
				await new Promise((resolve) => setTimeout(resolve, 50));
				continue;
			}
			if (code === 'EADDRINUSE')
				throw new Failure(`Port ${port} on ${host} is taken by another program: set PORT to a free one.`);
			if (code === 'EACCES') throw new Failure(`You may not listen on port ${port}: set PORT to one above 1023.`);
			if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN')
				throw new Failure(`HOST (${host}) is not an address of this machine.`);
			throw error;
		}
	}
}

/**
 * Starts workerd and resolves when both its sockets listen.
 * @param {object} options
 * @param {string} options.root
 * @param {string} options.configFile
 * @param {string} options.controlSocket
 * @param {string} options.logFile
 * @param {string} options.secret
 * @param {Record<string, string>} options.variables the hub's own
 */
export async function startWorkerd({ root, configFile, controlSocket, logFile, secret, variables }) {
	fs.rmSync(controlSocket, { force: true });
	const log = fs.openSync(logFile, 'a', 0o600);
	const child = spawnGuarded(
		workerdBinary(root),
		['serve', '--experimental', '--import-path=/', '--control-fd=3', configFile, 'config'],
		// Nothing of the launcher's environment belongs in the hub, and secrets must not stand in a file or in argv.
		{ env: { ...variables, UHUB_SECRET: secret, TZ: 'UTC' }, log, orphaned: 'KILL', control: true },
	);
	fs.closeSync(log);
	const waiting = new Set(['public', 'control']);
	const messages = readline.createInterface({ input: /** @type {import('node:stream').Readable} */ (child.stdio[3]) });
	for await (const line of messages) {
		waiting.delete(JSON.parse(line).socket);
		if (waiting.size === 0) return child;
	}
	throw new Failure(`The hub's runtime did not start. The end of ${logFile}:\n${logTail(logFile)}`);
}

/** @param {string} root */
function workerdBinary(root) {
	const cpu = process.arch === 'x64' ? '64' : process.arch;
	const binary = path.join(root, `node_modules/@cloudflare/workerd-${process.platform}-${cpu}/bin/workerd`);
	if (!fs.existsSync(binary)) throw new Failure(`There is no workerd for ${process.platform} on ${process.arch}.`);
	return binary;
}
