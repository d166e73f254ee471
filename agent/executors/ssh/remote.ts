import type { Readable } from 'node:stream';
import type { Client, ClientChannel } from 'ssh2';
import { HostFailure } from './failure.ts';

/** The most that is read of what a command of the agent's own says. */
const SAID_MAX = 4 * 1_048_576;

export interface Said {
	/** Null where the connection ended first. */
	code: number | null;
	stdout: string;
	stderr: string;
}

/**
 * Starts a command; no terminal, no variables and no agent are passed on. `use` is given the channel at once: what it says, and that it is
 * over, may come in the same packet. Throws `HostFailure`.
 */
export const open = <T>(client: Client, command: string, use: (channel: ClientChannel) => T): Promise<T> =>
	new Promise((resolve, reject) => {
		const fail = (error: unknown) => {
			const why = error instanceof Error ? error.message : String(error);
			reject(new HostFailure('host_unreachable', `The host does not take a command: ${why}.`));
		};
		try {
			client.exec(command, (error, channel) => {
				if (error) fail(error);
				else resolve(use(channel));
			});
		} catch (error) {
			// The connection is gone.
			fail(error);
		}
	});

/** Carries out a command of the agent's own with all there is for it to read, and answers what it said. Throws `HostFailure`. */
export async function ask(client: Client, command: string, input: Readable | null = null): Promise<Said> {
	let code: number | null = null;
	const { said, failed } = await open(client, command, (channel) => {
		channel.on('exit', (exit: number | null) => (code = exit));
		const said = Promise.all([textOf(channel), textOf(channel.stderr)]);
		const failed = new Promise<never>((_, reject) => {
			channel.once('error', reject);
			input?.once('error', reject);
		});
		if (input) input.pipe(channel);
		else channel.end();
		return { said, failed };
	});
	const [stdout, stderr] = await Promise.race([said, failed]).finally(() => input?.destroy());
	return { code, stdout, stderr };
}

const textOf = (from: Readable): Promise<string> =>
	new Promise((resolve) => {
		const parts: Buffer[] = [];
		let length = 0;
		from.on('data', (part: Buffer) => {
			length += part.length;
			if (length <= SAID_MAX) parts.push(part);
		});
		from.once('close', () => {
			resolve(Buffer.concat(parts).toString());
		});
	});
