// The least that any machine needs for a line of a script: asked by its parent, a process with nothing else in it starts a shell
// that says one, and answers how many milliseconds that took.
import { spawn } from 'node:child_process';

process.on('message', () => {
	const started = performance.now();
	const child = spawn('/bin/sh', ['-c', 'echo hello'], { stdio: ['ignore', 'pipe', 'inherit'] });
	let took = NaN;
	child.stdout.once('data', () => {
		took = performance.now() - started;
	});
	child.once('close', () => process.send?.(took));
});
