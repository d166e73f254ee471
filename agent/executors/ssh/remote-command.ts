import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, ClientChannel } from 'ssh2';
import { Stream } from '#protocol/run-frames.ts';
import type { Lane } from '../../lane.ts';
import type { Command, Exit } from '../contract.ts';
import { closed, follow } from '../pipes.ts';
import { open } from './remote.ts';
import { wrapped } from './wrapper.ts';

/** What an account's start-up files may say before the command begins; it is no part of the log. */
const NOISE_MAX = 65_536;
/** How long after a command's end it is waited for that it says it has begun, where something else holds its output open. */
const BEGUN_WITHIN_MS = 2_000;

/** One command on another host. */
export interface RemoteCommand {
	/** The process that leads its session; null where it never began. */
	begun: Promise<number | null>;
	/** Null where the connection ended first. */
	exited: Promise<Exit | null>;
	/** All it said was given out. */
	drained: Promise<unknown>;
	/** To be called when nobody is left to say anything: resolves as `drained` does, or gives it up. */
	finish(): Promise<void>;
}

/** Starts it. Throws `HostFailure`. */
export const startCommand = (client: Client, command: Command, cwd: string, lane: Lane): Promise<RemoteCommand> =>
	open(client, '/bin/sh', (channel) => carryOut(channel, command, cwd, lane));

function carryOut(channel: ClientChannel, command: Command, cwd: string, lane: Lane): RemoteCommand {
	const begins = `uhub-begins-${randomBytes(12).toString('hex')}`;
	const begun = Promise.withResolvers<number | null>();
	const exited = Promise.withResolvers<Exit | null>();
	const line = new RegExp(`^${begins} (\\d+)\\n`, 'm');
	let noise = '';
	let head = true;
	const stdout = (bytes: Buffer) => {
		if (!head) return lane.write(Stream.stdout, bytes);
		noise += bytes.toString('latin1');
		const found = line.exec(noise);
		if (!found) {
			if (noise.length > NOISE_MAX) channel.close();
			return undefined;
		}
		head = false;
		begun.resolve(Number(found[1]));
		const rest = Buffer.from(noise.slice(found.index + found[0].length), 'latin1');
		return rest.length > 0 ? lane.write(Stream.stdout, rest) : undefined;
	};
	const drained = Promise.all([
		follow(channel, stdout),
		follow(channel.stderr, (bytes) => lane.write(Stream.stderr, bytes)),
	]);
	const over = (exit: Exit | null) => {
		exited.resolve(exit);
		// Its end may come before what it said: a command that is quick has begun all the same.
		void Promise.race([drained, sleep(BEGUN_WITHIN_MS, undefined, { ref: false })]).then(() => {
			begun.resolve(null);
		});
	};
	channel.once('exit', (code: number | null, signal?: string) => {
		over(code === null ? { kind: 'signal', signal: signal ?? 'a signal' } : { kind: 'exit', code });
	});
	channel.once('close', () => {
		over(null);
	});
	channel.end(wrapped(command, cwd, begins));
	return {
		begun: begun.promise,
		exited: exited.promise,
		drained,
		finish: () =>
			closed([channel, channel.stderr], drained, () => {
				channel.close();
			}),
	};
}
