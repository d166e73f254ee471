import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { whilePaused } from '../../scripts/lib/pause.mjs';

const MODULE = path.resolve(import.meta.dirname, '../../scripts/lib/pause.mjs');
const groups: number[] = [];

function sleeper(): number {
	const { pid } = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
	if (pid === undefined) throw new Error('no process');
	groups.push(pid);
	return pid;
}
const stateOf = (pid: number) => readFileSync(`/proc/${String(pid)}/stat`, 'utf8').split(') ')[1]?.[0];
afterEach(() => {
	for (const group of groups.splice(0)) process.kill(-group, 'SIGKILL');
});

const linux = it.runIf(process.platform === 'linux');

linux('holds processes still for the work, and wakes them, also when it fails', async () => {
	const [one, two] = [sleeper(), sleeper()];
	expect(await whilePaused([one, two], () => [one, two].map(stateOf))).toEqual(['T', 'T']);
	await expect.poll(() => [one, two].map(stateOf)).toEqual(['S', 'S']);
	const failing = () => {
		throw new Error('no room');
	};
	await expect(whilePaused([one], failing)).rejects.toThrow('no room');
	await expect.poll(() => stateOf(one)).toBe('S');
});

linux('wakes them when it is killed itself', async () => {
	const pid = sleeper();
	const work = `import { whilePaused } from ${JSON.stringify(MODULE)};
		await whilePaused([${String(pid)}], () => { for (;;); });`;
	const child = spawn(process.execPath, ['--input-type=module', '-e', work], { stdio: 'ignore' });
	await expect.poll(() => stateOf(pid), { timeout: 4_000 }).toBe('T');
	child.kill('SIGKILL');
	await expect.poll(() => stateOf(pid), { timeout: 4_000 }).toBe('S');
});
