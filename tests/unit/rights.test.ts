import { describe, expect, it, vi } from 'vitest';
import { Rights } from '#durable/rights.ts';
import type { Watcher } from '#durable/watcher.ts';

/** Sockets as far as rights go: they can be closed. */
class FakeSocket {
	code: number | null = null;
	close(code: number) {
		this.code = code;
	}
}
const watcher = (session_id: number, expires_at = Infinity): Watcher => ({
	user_id: session_id,
	name: 'x',
	session_id,
	expires_at,
});

function world(watchers: Watcher[]) {
	const start = Date.now();
	const sockets = watchers.map((w) => ({ fake: new FakeSocket(), w }));
	const asked: number[][] = [];
	const answers = { allowed: new Set<number>(), fail: false };
	const rights = new Rights(
		(ids) => {
			asked.push(ids);
			return answers.fail ? Promise.reject(new Error('away')) : Promise.resolve(answers.allowed);
		},
		() => sockets.map(({ fake, w }): [WebSocket, Watcher] => [fake as unknown as WebSocket, w]),
		() => undefined,
	);
	return { start, sockets, asked, answers, rights, codes: () => sockets.map(({ fake }) => fake.code) };
}

describe('4: rights behind open sockets', () => {
	it('end with the session, at once', () => {
		const { rights, codes, start, asked } = world([watcher(1, Date.now() + 100), watcher(2)]);
		rights.look(start + 100);
		expect(codes()).toEqual([4401, null]);
		expect(asked).toEqual([]);
	});

	it('are asked anew after half a minute, each session once; who lost them is closed', async () => {
		const { rights, codes, start, asked, answers } = world([watcher(1), watcher(2), watcher(2), watcher(3)]);
		answers.allowed = new Set([2]);
		rights.look(start + 29_000);
		expect(asked).toEqual([]);
		for (let i = 0; i < 5; i++) rights.look(start + 31_000 + i);
		expect(asked).toEqual([[1, 2, 3]]);
		await vi.waitFor(() => {
			expect(codes()).toEqual([4403, null, null, 4403]);
		});
	});

	it('stay while the record is away, and are asked again', async () => {
		const error = vi.spyOn(console, 'error').mockImplementation(() => undefined);
		const { rights, codes, start, asked, answers } = world([watcher(1)]);
		answers.fail = true;
		rights.look(start + 31_000);
		await vi.waitFor(() => {
			expect(error).toHaveBeenCalledOnce();
		});
		expect(codes()).toEqual([null]);
		answers.fail = false;
		rights.look(start + 31_001);
		expect(asked).toHaveLength(2);
		await vi.waitFor(() => {
			expect(codes()).toEqual([4403]);
		});
	});
});
