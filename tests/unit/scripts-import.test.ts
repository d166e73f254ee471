import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { afterLines, sendArchive } from '../../scripts/lib/send-archive.mjs';

// A hub that takes lines as it likes: part of them, or all and then drops the connection.

let server: http.Server;
let hub: string;
let taken: string[];
let mood: (lines: string[]) => { take: number; drop: boolean; refuse?: string };
const folder = mkdtempSync(path.join(os.tmpdir(), 'uhub-import-'));

beforeAll(async () => {
	server = http.createServer((request, response) => {
		const parts: Buffer[] = [];
		request.on('data', (part: Buffer) => parts.push(part));
		request.on('end', () => {
			const { pathname, searchParams } = new URL(request.url ?? '', 'http://hub');
			const answer = (status: number, body: object) => response.writeHead(status).end(JSON.stringify(body));
			const state = () => ({ id: 'it', next_line: taken.length + 1, complete: taken.at(-1) === 'end' });
			if (pathname === '/api/imports') return answer(201, state());
			if (pathname === '/api/imports/it') return answer(200, state());
			if (pathname.endsWith('/finish'))
				return state().complete ? answer(201, { username: 'root' }) : answer(409, { detail: 'not whole' });
			if (Number(searchParams.get('from')) !== taken.length + 1) return answer(409, { detail: 'another line' });
			const lines = Buffer.concat(parts).toString().split('\n').slice(0, -1);
			const { take, drop, refuse } = mood(lines);
			if (refuse) return answer(400, { detail: refuse });
			taken.push(...lines.slice(0, take));
			return drop ? response.destroy() : answer(200, state());
		});
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	hub = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
});

afterAll(() => {
	server.close();
	rmSync(folder, { recursive: true });
});

const account = { username: 'root', password: 'a long enough password' };

async function sent(text: string) {
	taken = [];
	const file = path.join(folder, 'archive.jsonl');
	writeFileSync(file, text);
	const told: number[] = [];
	const user = await sendArchive(hub, file, account, (done) => told.push(done));
	return { user, told };
}

describe('sending an archive', () => {
	it('sends every line once, over several parts, however few are taken at once', async () => {
		const lines = [...Array.from({ length: 3000 }, (_, n) => `${String(n)} ${'é'.repeat(2000)}`), 'end'];
		mood = (some) => ({ take: Math.ceil(some.length / 2), drop: false });
		const { user, told } = await sent(`${lines.join('\n')}\n`);
		expect(taken).toEqual(lines);
		expect(user.username).toBe('root');
		expect(told).toEqual(told.toSorted((a, b) => a - b));
		expect(told.at(-1)).toBe(1);
	});

	it('goes on where it was when the connection is cut, before or after the lines were taken', async () => {
		let asked = 0;
		mood = (some) => {
			asked++;
			return { take: asked === 1 ? 0 : some.length, drop: asked < 3 };
		};
		await sent('one\ntwo\nend\n');
		expect(taken).toEqual(['one', 'two', 'end']);
	});

	it('says what the hub says, and what is missing', async () => {
		mood = (some) => ({ take: some.length, drop: false });
		await expect(sent('one\ntwo\nen')).rejects.toThrow('not whole');
		expect(taken).toEqual(['one', 'two']);
		await expect(sent('')).rejects.toThrow('not whole');
		mood = () => ({ take: 0, drop: false, refuse: 'Line 2: is not JSON.' });
		await expect(sent('one\ntwo\n')).rejects.toThrow('Line 2: is not JSON.');
		await expect(sendArchive('http://127.0.0.1:1', path.join(folder, 'archive.jsonl'), account)).rejects.toThrow(
			'does not answer',
		);
	});
});

describe('the place behind some lines', () => {
	it('is where the next one begins', () => {
		fc.assert(
			fc.property(fc.array(fc.string().map((line) => line.replaceAll('\n', ' '))), fc.nat(20), (lines, n) => {
				const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''));
				const at = afterLines(bytes, Math.min(n, lines.length));
				const rest = lines.slice(n).map((line) => `${line}\n`);
				expect(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(at))).toBe(
					rest.join(''),
				);
			}),
		);
	});
});
