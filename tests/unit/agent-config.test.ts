import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { homeAt, hubUrl, makeHome, readConfig, writeConfig } from '#agent/config.ts';
import { Failure } from '#agent/failure.ts';
import { Key } from '#agent/key.ts';
import { holders, takeLock } from '#agent/lock.ts';
import { descendants, identityOf, parseStat, type Process } from '#agent/processes.ts';

let dir: string;
beforeEach(() => {
	dir = mkdtempSync(path.join(os.tmpdir(), 'uhub-config-'));
});
afterEach(() => {
	rmSync(dir, { recursive: true, force: true });
});

describe('the address of a hub', () => {
	it('is https, or http on this very host', () => {
		for (const good of [
			'https://hub.example',
			'https://hub.example:8443/',
			'http://127.0.0.1:8787',
			'http://localhost:1',
			'http://[::1]:8787',
		])
			expect(hubUrl(good, false).origin).toBe(new URL(good).origin);
	});

	it('without TLS to another host needs a word of its own', () => {
		for (const bad of ['http://hub.example', 'http://127.0.0.1.example', 'http://10.0.0.1', 'http://[::2]'])
			expect(() => hubUrl(bad, false), bad).toThrow(/not encrypted/);
		expect(hubUrl('http://hub.example', true).origin).toBe('http://hub.example');
	});

	it('is nothing else', () => {
		for (const bad of ['', 'hub', 'ftp://hub', 'file:///etc/passwd', 'https://user:pw@hub', 'javascript:1', '//hub'])
			expect(() => hubUrl(bad, true), bad).toThrow(Failure);
	});
});

describe('49: the home', () => {
	it('49: that others can read is refused', async () => {
		chmodSync(dir, 0o755);
		await expect(makeHome(homeAt(dir))).rejects.toThrow(/chmod 700/);
	});

	it('49: a key that others can read is refused', async () => {
		const file = path.join(dir, 'key.pem');
		writeFileSync(file, Key.generate().pem(), { mode: 0o600 });
		expect((await Key.read(file)).fingerprint).toMatch(/^[0-9a-f]{64}$/);
		chmodSync(file, 0o640);
		await expect(Key.read(file)).rejects.toThrow(/chmod 600/);
	});

	it('says what is wrong with what it holds', async () => {
		const home = homeAt(dir);
		await expect(readConfig(home)).rejects.toThrow(/enrol it first/);
		writeFileSync(home.config, '{"hub": 1}', { mode: 0o600 });
		await expect(readConfig(home)).rejects.toThrow(/damaged/);
		await expect(Key.read(home.key)).rejects.toThrow(/ENOENT/);
		const config = { hub: 'https://h', insecure: false, agent_id: 1, name: 'a', labels: { gpu: '1' }, capacity: 2 };
		await writeConfig(home, config);
		expect(await readConfig(home)).toEqual(config);
	});
});

describe('the lock', () => {
	it('keeps a second agent out while the first lives, and lets it in after a kill -9', async () => {
		const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)']);
		await once(child, 'spawn');
		const name = path.join(dir, `agent.${identityOf(child.pid ?? 0) ?? ''}.lock`);
		writeFileSync(name, '');
		expect(() => takeLock(dir)).toThrow(new RegExp(`process ${String(child.pid)}`));
		expect(readdirSync(dir)).toEqual([path.basename(name)]);
		child.kill('SIGKILL');
		await once(child, 'exit');
		const unlock = takeLock(dir);
		expect(holders(dir)).toEqual([process.pid]);
		unlock();
		expect(readdirSync(dir)).toEqual([]);
	});

	it('is not fooled by a pid that is used again', () => {
		writeFileSync(path.join(dir, `agent.${String(process.ppid)}.12345.abcdef01.lock`), '');
		takeLock(dir)();
		expect(readdirSync(dir)).toEqual([]);
	});
});

describe('the processes of a run', () => {
	const p = (pid: number, ppid: number, sid = pid, pgid = sid): Process => ({ pid, ppid, pgid, sid, start: 1 });
	const found = (all: Process[], of: { leaders?: number[]; marked?: number[]; listed?: number[] }) =>
		descendants(all, {
			leaders: new Set(of.leaders),
			marked: ({ pid }) => of.marked?.includes(pid) ?? false,
			listed: new Set(of.listed),
		})
			.map(({ pid }) => pid)
			.sort((a, b) => a - b);

	it('are found by session, mark, control group, and through any number of parents', () => {
		const all = [p(1, 0), p(10, 5), p(11, 1, 10), p(20, 1), p(21, 20), p(22, 21), p(30, 1), p(40, 1)];
		expect(found(all, { leaders: [10] })).toEqual([10, 11]);
		expect(found(all, { marked: [20] })).toEqual([20, 21, 22]);
		expect(found(all, { listed: [30] })).toEqual([30]);
		expect(found(all, {})).toEqual([]);
	});

	it('are closed under children, and hold nobody without a reason', () => {
		const tree = fc
			.array(fc.nat(), { minLength: 1, maxLength: 30 })
			.map((ns) => ns.map((n, i) => p(i + 2, 1 + (n % (i + 1)))));
		fc.assert(
			fc.property(tree, fc.nat(), (all, n) => {
				const root = 2 + (n % all.length);
				const got = new Set(found(all, { leaders: [root] }));
				for (const q of all) expect(got.has(q.pid)).toBe(q.pid === root || got.has(q.ppid));
			}),
		);
	});

	it('are read past any name, and a zombie is none', () => {
		const fields = Array.from({ length: 40 }, (_, n) => String(n + 7)).join(' ');
		expect(parseStat(5, `5 (a ) S 1 (x) S 3 5 4 ${fields}`)).toEqual({ pid: 5, ppid: 3, pgid: 5, sid: 4, start: 22 });
		expect(parseStat(5, `5 (sh) Z 3 5 5 ${fields}`)).toBeNull();
	});
});
