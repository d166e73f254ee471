import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** After every process is gone, how long a pipe may still be held open by someone who is none of ours. */
const DRAIN_MS = 2000;

/** Gives a pipe's bytes away, no faster than they are taken. Resolves at the pipe's end. */
export function follow(pipe: Readable, take: (bytes: Buffer) => Promise<void> | undefined): Promise<void> {
	return new Promise((resolve) => {
		pipe.on('data', (bytes: Buffer) => {
			const enough = take(bytes);
			if (!enough) return;
			pipe.pause();
			void enough.then(() => pipe.resume());
		});
		pipe.once('close', resolve);
		pipe.once('error', () => pipe.destroy());
	});
}

/** Waits for the pipes' ends; where nobody of the run holds them any more, and they say nothing, they are let go. */
export async function closed(pipes: readonly Readable[], drained: Promise<unknown>, letGo: () => void): Promise<void> {
	let over = false;
	let heard = 0;
	const done = drained.then(() => (over = true));
	for (const pipe of pipes) pipe.on('data', () => heard++);
	for (let before = -1; !over;) {
		if (heard === before && !pipes.some((pipe) => pipe.isPaused())) letGo();
		before = heard;
		await Promise.race([done, sleep(DRAIN_MS, undefined, { ref: false })]);
	}
}
